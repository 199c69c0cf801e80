"""`PruneAfterFinetune`: fine-tune densely, freeze, then train a mask (Liu et al. 2022, section 4.2, Fig. 2 and 3)."""

from collections.abc import Mapping

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.losses import Loss
from lit_prune.paradigms.mask_training import MaskTraining
from lit_prune.phases.training import Training
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Schedule


class PruneAfterFinetune(MaskTraining):
    """A dense phase, then a phase that trains masks over the frozen dense model.

        phases = {"dense": Training("3 epochs"), "mask": Training("3 epochs", learning_rate=1e-3)}
        settings = {"loss": CrossEntropy(), "initial_scores": Magnitude(), "schedule": Cubic(0.1, 0.5)}
        fit(encoder, data, partial(PruneAfterFinetune, **phases, **settings))

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        dense: Length, optimizer and learning rates of the dense phase.
        mask: Length, optimizer and learning rates of the mask phase.
        loss: The loss of the mask phase.
        initial_scores: Initialisation of the scores: `Magnitude` (soft) or `HardMagnitude`.
        schedule: Sparsity over the mask phase.
        dense_loss: The loss of the dense phase. If None, cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from instead of the dense phase; see
            `MaskTraining`.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these
            lists of targets, or as an `Allocation` has it.
        refresh_every: Optimizer steps between two updates of the thresholds.
        targets: Names of the matrices to mask. If None, all of the encoder's family except embeddings, as in SRNets.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        teacher: The model that teaches, for losses that need one; see `Paradigm`. If None, the dense model.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        dense: Training,
        mask: Training,
        loss: Loss,
        initial_scores: Criterion,
        schedule: Schedule,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
        scope: Scope = "local",
        refresh_every: int = 50,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        teacher: str | None = None,
    ) -> None:
        super().__init__(
            encoder,
            tasks,
            mask,
            loss,
            initial_scores,
            schedule,
            start_from,
            scope,
            refresh_every,
            targets,
            patterns,
            dense,
            dense_loss,
            teacher,
        )
