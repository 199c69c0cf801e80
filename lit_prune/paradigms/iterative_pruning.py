"""`IterativePruning`: prune, train, prune again (SRNets, Liu et al. 2022, section 4.2: IMP; Han et al. 2015)."""

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
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.pools import Scope


class IterativePruning(Paradigm):
    """A dense model is pruned in rounds; each is a phase that prunes first, then trains what is left.

    The callback `ImpRounds` sets how many rounds there are and what sparsity each has. The weights carry over from
    round to round; what is pruned stays pruned. A round's model is the one at its end.

        phases = {"dense": Training("3 epochs"), "rounds": Training("1 epoch")}
        paradigm = partial(IterativePruning, loss=CrossEntropy(), **phases)
        fit(encoder, data, paradigm, trainer={"callbacks": [ImpRounds(num_rounds=5, final=0.5)]})

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        rounds: Length, optimizer and learning rates of each round.
        loss: The loss of the rounds.
        dense: Length, optimizer and learning rates of the dense phase. If None, the pretrained encoder is pruned.
        dense_loss: The loss of the dense phase. If None, cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from, instead of the dense phase. Of
            a run pruned by rank its `checkpoints/best.ckpt`: what it pruned stays so, what it kept is pruned further.
        criterion: The importance of a weight. If None, its magnitude.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these
            lists of targets, or as an `Allocation` has it.
        trained: Name patterns of the parameters that the rounds train, such as `heads.*`. If None, all.
        targets: Names of the matrices to prune. If None, all of the encoder's family except embeddings and classifier.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        teacher: The model that teaches, for losses that need one; see `Paradigm`. If None, the dense model.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        rounds: Training,
        loss: Loss,
        dense: Training | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
        criterion: Criterion | None = None,
        scope: Scope = "local",
        trained: list[str] | None = None,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        teacher: str | None = None,
    ) -> None:
        before = phases.FineTune(dense or Training(steps=0), dense_loss)
        super().__init__(encoder, tasks, {"dense": before}, start_from, teacher)
        self._round = partial(
            phases.Round,
            rounds,
            loss=loss,
            criterion=criterion,
            scope=scope,
            trained=trained,
            targets=targets,
            patterns=patterns,
        )
        self.make_round(0.0).prepare(self)  # what is wrong with the targets is an error before data is read

    def make_round(self, sparsity: float) -> Phase:
        """Return a round of a sparsity, for `insert_phase`."""
        return self._round(sparsity)

    def setup(self, stage: str) -> None:
        """Lay out the phases.

        Raises:
            UserError: there are no rounds.
        """
        if stage == "fit" and len(self.phases) == 1:
            raise UserError(
                f"{type(self).__name__} must have rounds, got none: add lit_prune.callbacks.ImpRounds to "
                "trainer.callbacks, as configs/imp.yaml does"
            )
        super().setup(stage)
