"""`LotteryTicket`: find a subnetwork of the pretrained model, then train it by itself (SRNets, section 4.3, Fig. 4)."""

from collections.abc import Mapping
from functools import partial

from lit_prune import phases
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training
from lit_prune.sparsity.controls import Control
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.pools import Scope


class LotteryTicket(Paradigm):
    """A ticket: a mask, and the pretrained weights that it leaves. The last phase trains it under fresh heads.

    The mask comes from one of three places: rounds of pruning (the callback `ImpRounds`), each of which begins with the
    encoder's weights as they were before the rounds (the heads' stay as they are); another run, or a file
    (`start_from`); or one pruning of the pretrained weights (`sparsity` alone).

        fit(encoder, data, partial(LotteryTicket, ticket=Training("3 epochs"), loss=CrossEntropy(), sparsity=0.5))

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        ticket: Length, optimizer and learning rates of the ticket's own training.
        loss: Its loss.
        rounds: Length, optimizer and learning rates of each round.
        round_loss: The loss of the rounds. If None, that of the ticket.
        start_from: A run whose masks are the ticket's, or a file of masks.
        sparsity: Which of a run's masks to take. If None, its result. Without `start_from`: that of the one pruning.
        control: Another mask to take in place of the found one, to compare with.
        dense: Length, optimizer and learning rates of a training whose end is rewound to.
            If None, the pretrained weights are.
        dense_loss: The loss of that training. If None, cross-entropy.
        criterion: The importance of a weight. If None, its magnitude.
        scope: Whether the sparsity holds in each matrix (`local`) or over all of them (`global`).
        targets: Names of the matrices to prune. If None, all of the encoder's family except embeddings and classifier.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        teacher: The model that teaches, for losses that need one; see `Paradigm`. If None, the dense model.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        ticket: Training,
        loss: Loss,
        rounds: Training | None = None,
        round_loss: Loss | None = None,
        start_from: str | None = None,
        sparsity: float | None = None,
        control: Control | None = None,
        dense: Training | None = None,
        dense_loss: Loss | None = None,
        criterion: Criterion | None = None,
        scope: Scope = "local",
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        teacher: str | None = None,
    ) -> None:
        last = phases.Ticket(ticket, loss, start_from, sparsity, control, criterion, scope, targets, patterns)
        before = phases.FineTune(dense or Training(steps=0), dense_loss)
        super().__init__(encoder, tasks, {"dense": before, "ticket": last}, teacher=teacher)
        self.finds_mask = last.finds_mask
        self._round = None
        if rounds is not None and rounds.steps != 0:
            self._round = partial(
                phases.Round,
                rounds,
                loss=round_loss or loss,
                criterion=criterion,
                scope=scope,
                rewinds=True,
                targets=targets,
                patterns=patterns,
            )

    def make_round(self, sparsity: float) -> Phase:
        """Return a round of a sparsity, for `insert_phase`.

        Raises:
            UserError: the ticket has its mask already, or the rounds have no length.
        """
        if self.finds_mask:
            raise UserError(
                "LotteryTicket must have one mask, got start_from or sparsity beside ImpRounds, which finds another: "
                "leave one out"
            )
        if self._round is None:
            raise UserError("rounds of LotteryTicket must be set for ImpRounds, got none: set model.init_args.rounds")
        return self._round(sparsity)

    def setup(self, stage: str) -> None:
        """Lay out the phases.

        Raises:
            UserError: there is no mask, and no way to find one.
        """
        if stage == "fit" and not self.finds_mask and len(self.phases) == 2:
            raise UserError(
                "LotteryTicket must have a mask, got none: set start_from (a run that has pruned), or sparsity (one "
                "pruning), or add lit_prune.callbacks.ImpRounds to trainer.callbacks"
            )
        super().setup(stage)
