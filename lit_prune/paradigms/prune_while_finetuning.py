"""`PruneWhileFinetuning`: weights and masks are trained together (Xia & Shin 2021; Sanh et al. 2020)."""

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
from lit_prune.sparsity.structures import Structure


class PruneWhileFinetuning(Paradigm):
    """A phase `prune` that trains the weights under masks, which follow a criterion; see `phases.PruneWhileTraining`.

        settings = {"loss": CrossEntropy(), "criterion": Magnitude(), "schedule": Cubic(0.0, 0.8)}
        fit(encoder, data, partial(PruneWhileFinetuning, prune=Training("3 epochs"), **settings))

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        prune: Length, optimizer and learning rates; `learning_rates` gives scores (`*.mask.*scores`) and singular
            values (`*.sigma`) their own.
        loss: The loss of the phase, but for tasks with a loss of their own.
        criterion: How important an entry is.
        schedule: Sparsity over the phase.
        structure: The unit that is pruned, `Element` or `Rank`. If None, single entries.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these
            lists of targets, or as an `Allocation` has it.
        refresh_every: Optimizer steps between two updates of the masks; before every evaluation there is one more.
        task_masks: `shared`: all tasks have one mask; `separate`: each has its own; `hybrid`: each keeps what a mask
            for all or its own keeps, up to twice as much as the schedule sets; `hybrid_rescaled`: as much as that, on
            average over the tasks. All but the first need a criterion that accumulates.
        targets: Names of the matrices to prune. If None, those of the Transformer layers; pooler and heads stay dense.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        dense: Length, optimizer and learning rates of a preceding dense phase, or None for no such phase.
        dense_loss: The loss of the dense phase. If None, cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from, instead of the dense phase.
        teacher: The model that teaches, for losses that need one; see `Paradigm`. If None, the dense model.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        prune: Training,
        loss: Loss,
        criterion: Criterion,
        schedule: Schedule,
        structure: Structure | None = None,
        scope: Scope = "local",
        refresh_every: int = 1,
        task_masks: str = "shared",
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        dense: Training | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
        teacher: str | None = None,
    ) -> None:
        pruning = phases.PruneWhileTraining(
            prune, criterion, schedule, loss, structure, scope, refresh_every, task_masks, targets, patterns
        )
        before = phases.FineTune(dense or Training(steps=0), dense_loss)
        super().__init__(encoder, tasks, {"dense": before, "prune": pruning}, start_from, teacher)
