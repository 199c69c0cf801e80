"""`PruneWhileTraining`: train the weights under masks that follow a criterion (Xia & Shin 2021; Sanh et al. 2020)."""

from typing import TYPE_CHECKING, Literal

from torch import nn

from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.phases.network import settle, unfreeze
from lit_prune.phases.pruning import Pruning, check_refresh
from lit_prune.phases.training import Training
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.install import use_task
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.mask_kinds import MaskKind, PerTask
from lit_prune.sparsity.pairs import RankPair
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Schedule
from lit_prune.sparsity.structures import Structure
from lit_prune.sparsity.targets import layers_in

if TYPE_CHECKING:
    from lit_prune.data.batch import Batch
    from lit_prune.paradigms.paradigm import Paradigm

TASK_MASKS = ("shared", "separate", "hybrid", "hybrid_rescaled")


class PruneWhileTraining(Pruning):
    """Train the weights under masks.

    The masks of a criterion that accumulates (`Movement`) are learned: the gradient of a mask is that of its scores.
    Those of another (`Magnitude`) are computed from the weights at each update; a pruned entry gets no gradient, and
    returns when others fall below it.

    Args:
        training: Length, optimizer and learning rates; `learning_rates` gives scores (`*.mask.*scores`) and singular
            values (`*.sigma`) their own.
        criterion: How important an entry is.
        schedule: Sparsity over the phase.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
        structure: The unit that is pruned, `Element` or `Rank`. If None, single entries.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), in each of these
            lists of targets, or as an `Allocation` has it.
        refresh_every: Optimizer steps between two updates of the masks; before every evaluation there is one more.
        task_masks: `shared`: all tasks have one mask; `separate`: each has its own; `hybrid`: each keeps what a mask
            for all or its own keeps, up to twice as much as the schedule sets; `hybrid_rescaled`: as much as that, on
            average over the tasks. All but the first need a criterion that accumulates.
        targets: Names of the matrices to prune. If None, those of the Transformer layers; pooler and heads stay dense.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
    """

    def __init__(
        self,
        training: Training,
        criterion: Criterion,
        schedule: Schedule,
        loss: Loss | None = None,
        structure: Structure | None = None,
        scope: Scope = "local",
        refresh_every: int = 1,
        task_masks: str = "shared",
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
    ) -> None:
        if task_masks not in TASK_MASKS:
            raise UserError(f"unknown task_masks {task_masks!r}: choose from {', '.join(TASK_MASKS)}")
        if task_masks != "shared" and not criterion.accumulates:
            raise UserError(
                f"task_masks must be shared for a criterion that does not accumulate, got {task_masks!r}: "
                f"{type(criterion).__name__} scores a weight alike for every task; use lit_prune.sparsity.criteria."
                "Movement"
            )
        without = ("pooler", "classifier")
        super().__init__(training, loss, criterion, schedule, scope, targets, patterns, without, structure)
        self.refresh_every = check_refresh(refresh_every)
        self.task_masks = task_masks

    @property
    def why_last(self) -> str:
        """Why no phase may come after this one, and the remedy; empty: one may."""
        return "" if self.task_masks == "shared" else "its masks differ by task, set its task_masks to shared"

    def mask_kind(self, run: "Paradigm") -> MaskKind | None:
        """Return masks per task, or None for one mask of all tasks, as the criterion needs."""
        if self.task_masks == "shared":
            return None
        kind: dict[str, Literal["separate", "hybrid", "hybrid_rescaled"]] = {
            "separate": "separate",
            "hybrid": "hybrid",
            "hybrid_rescaled": "hybrid_rescaled",
        }
        return PerTask(list(run.tasks), kind[self.task_masks])

    def trained_names(self, run: "Paradigm") -> list[str]:
        """Return the names of the weights, or what takes their place, and of the scores of learned masks."""
        names = super().trained_names(run)
        for layer in layers_in(self.matched):
            linear = run.get_submodule(layer)
            assert isinstance(linear, nn.Linear | RankPair)
            before = [name for name in names if name.startswith(f"{layer}.")]
            place = names.index(before[0])
            own = [
                *self.structure.trained_names(linear, self.criterion.accumulates),
                *(["bias"] if before[-1].endswith(".bias") else []),
            ]
            names[place : place + len(before)] = [f"{layer}.{each}" for each in own]
        return [*names, *self.pruner.score_names()]

    def begin(self, run: "Paradigm") -> None:
        """Fix the masks of earlier phases, and put new ones over the targets."""
        settle(run)
        unfreeze(run)
        super().begin(run)

    def leaves_unused(self, run: "Paradigm") -> bool:
        """True for factors in blocks of ranks: one without a kept rank has no gradient."""
        return any(isinstance(layer, LowRankLinear) for layer in self.pruner.layers.values())

    def before_forward(self, run: "Paradigm", batch: "Batch") -> None:
        """Use the masks of the batch's task."""
        if self.task_masks != "shared":
            use_task(run, batch.task)
