"""`LotteryTicket`: find a subnetwork of the pretrained model, then train it by itself (SRNets, section 4.3, Fig. 4)."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.heads import Head
from lit_prune.losses import Loss
from lit_prune.paradigms.iterative_pruning import IterativePruning
from lit_prune.paradigms.phase import Phase
from lit_prune.sparsity.controls import Control
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.found import check_fit, find_masks
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.masks import FixedMask
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.select import check_sparsity
from lit_prune.sparsity.targets import layers_in


class LotteryTicket(IterativePruning):
    """A ticket: a mask, and the pretrained weights that it leaves. The last phase trains it under fresh heads.

    The mask comes from one of three places: rounds of pruning (the callback `ImpRounds`), each of which begins with the
    encoder's weights as they were before the rounds (the heads' stay as they are); another run, or a file
    (`start_from`); or one pruning of the pretrained weights (`sparsity` alone).

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        ticket: Length and rates of the ticket's own training.
        loss: Its loss.
        rounds: Length and rates of each round.
        round_loss: The loss of the rounds, None: that of the ticket.
        start_from: A run whose masks are the ticket's, or a file of masks.
        sparsity: Which of a run's masks to take, None: the run's result. Without `start_from`: of the one pruning.
        control: Another mask to take in the place of the found one, to compare with.
        dense: Length and rates of a training whose end is rewound to, None: the pretrained weights are.
        dense_loss: The loss of that training, None: cross-entropy.
        criterion: What is pruned first, None: the smallest magnitudes.
        scope: Whether the sparsity holds in each matrix (`local`) or over all of them (`global`).
        targets: Names of the matrices to prune, None: all that the encoder's family has but embeddings and classifier.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        ticket: Phase,
        loss: Loss,
        rounds: Phase | None = None,
        round_loss: Loss | None = None,
        start_from: str | None = None,
        sparsity: float | None = None,
        control: Control | None = None,
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
        criterion: Criterion | None = None,
        scope: Scope = "local",
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
    ) -> None:
        super().__init__(
            encoder,
            tasks,
            rounds or Phase(steps=0),
            round_loss or loss,
            dense=dense,
            dense_loss=dense_loss,
            criterion=criterion,
            scope=scope,
            targets=targets,
            patterns=patterns,
        )
        self.sparsity = None if sparsity is None else check_sparsity(sparsity)
        self.control = control
        self.found: dict[str, Tensor] = {}
        if start_from is not None:
            found = find_masks(start_from, sparsity)
            check_fit(found, dict(self.named_parameters()), start_from)
            names = layers_in(self.matched)  # not the classifier: it is a fresh one
            self.found = {name: found[f"{name}.weight"] for name in names if f"{name}.weight" in found}
        self.add_phase("ticket", ticket.as_last("ticket"), loss)

    def add_rounds(self, sparsities: Sequence[float]) -> None:
        """Put a phase for each round before the ticket's."""
        if self.found or self.sparsity is not None:
            raise UserError(
                "LotteryTicket has its mask from start_from or sparsity, and ImpRounds finds another: leave one out"
            )
        if self.rounds.steps == 0:
            raise UserError("ImpRounds is there, but LotteryTicket has no rounds: set model.init_args.rounds")
        ticket, loss = self.phases.pop("ticket"), self.losses.pop("ticket")
        super().add_rounds(sparsities)
        self.add_phase("ticket", ticket, loss)

    def check_phases(self) -> None:
        """Whether there is a mask, or a way to find one.

        Raises:
            UserError: there is none.
        """
        if not self.found and self.sparsity is None and not self.sparsities:
            raise UserError(
                "LotteryTicket has no mask: set start_from (a run that has pruned), or sparsity (one pruning), or add "
                "lit_prune.callbacks.ImpRounds to trainer.callbacks"
            )

    def enter(self, phase: str) -> None:
        """A round: prune by the weights as trained, then take them back. The ticket: its mask, and fresh heads."""
        super().enter(phase)
        if phase == "ticket":
            for head in self.heads.values():
                assert isinstance(head, Head)
                head.reset()
            self._install_ticket()
        if phase != "dense":
            self._rewind()

    def _install_ticket(self) -> None:
        """The found masks; those of the last round are there, but in a resumed run, which gets its own back."""
        if self.sparsity is not None and not self.found:
            self.prune(self.sparsity)
        elif not self.found and not masked_layers(self):
            self.prune(0.0)
        keeps = {name: keep.to(self.device) for name, keep in self.found.items()} or {
            name: layer.mask.keep for name, layer in masked_layers(self).items()
        }
        if self.control is not None:
            keeps = {name: self.control(keep) for name, keep in keeps.items()}
        install(self, keeps, lambda name, _: FixedMask(keeps[name]))

    def _rewind(self) -> None:
        """Take back the encoder's weights as they were before the rounds; heads stay."""
        before = {name.removeprefix("encoder."): value for name, value in self.read_dense().items() if _encodes(name)}
        self.encoder.load_state_dict(before, strict=False)  # masks stay


def _encodes(name: str) -> bool:
    return name.startswith("encoder.")
