"""`MaskTraining`: masks over frozen weights alone are trained (Liu et al. 2022, section 4.4, Fig. 5 and 7)."""

from collections.abc import Mapping

from lit_prune import phases
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.losses import Loss
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.phases.training import Training
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Schedule


class MaskTraining(Paradigm):
    """Train masks over frozen weights: the pretrained ones, those of another run, or those of a dense phase before.

        settings = {"loss": CrossEntropy(), "initial_scores": Magnitude(), "schedule": Constant(0.5)}
        fit(encoder, data, partial(MaskTraining, mask=Training("3 epochs", learning_rate=1e-3), **settings))

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head, which stays as it is drawn where no trained one is given.
        mask: Length, optimizer and learning rates of the mask phase.
        loss: The loss of the mask phase.
        initial_scores: Initialisation of the scores: `Magnitude` (soft) or `HardMagnitude`.
        schedule: Sparsity over the mask phase.
        start_from: A run's folder or a checkpoint to take the weights from instead of the dense phase. If None, the
            pretrained encoder. Of a run pruned by rank its `checkpoints/best.ckpt`: what it pruned stays so, what it
            kept is pruned further.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these
            lists of targets, or as an `Allocation` has it.
        refresh_every: Optimizer steps between two updates of the thresholds; before every evaluation there is one
            more, so that the evaluated model has exactly the scheduled sparsity.
        targets: Names of the matrices to mask. If None, all of the encoder's family except embeddings, as in SRNets.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        dense: Length, optimizer and learning rates of a preceding dense phase, or None for no such phase.
        dense_loss: The loss of the dense phase. If None, cross-entropy.
        teacher: The model that teaches, for losses that need one; see `Paradigm`. If None, the dense model.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        mask: Training,
        loss: Loss,
        initial_scores: Criterion,
        schedule: Schedule,
        start_from: str | None = None,
        scope: Scope = "local",
        refresh_every: int = 50,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        dense: Training | None = None,
        dense_loss: Loss | None = None,
        teacher: str | None = None,
    ) -> None:
        super().__init__(
            encoder,
            tasks,
            {
                "dense": phases.FineTune(dense or Training(steps=0), dense_loss),
                "mask": phases.TrainMasks(
                    mask, initial_scores, schedule, loss, scope, refresh_every, targets, patterns
                ),
            },
            start_from,
            teacher,
        )
