"""`PruneWhileFinetuning`: weights and what is kept of them are trained together (Xia & Shin 2021; Sanh et al. 2020)."""

from collections.abc import Mapping, Sequence

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn

from lit_prune.data.batch import Batch
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.masking import Masking
from lit_prune.paradigms.phase import Phase
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.hybrid import part_sparsity
from lit_prune.sparsity.install import masked_layers, use_task
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.masks import LearnedMask, Mask, ReversibleMask, TaskMasks
from lit_prune.sparsity.pairs import RankPair
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Schedule
from lit_prune.sparsity.structures import Element, Structure
from lit_prune.sparsity.targets import layers_in

TASK_MASKS = ("shared", "separate", "hybrid", "hybrid_rescaled")


class PruneWhileFinetuning(Masking):
    """A phase `prune` that trains the weights under masks, which follow a criterion.

    Of a criterion that accumulates (`Movement`) the masks are learned: the gradient of a mask is that of its scores. Of
    another (`Magnitude`) they are set anew from the weights at each refresh; what is pruned gets no gradient and comes
    back when others fall below it.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        prune: Length and rates of the phase; `learning_rates` gives scores (`*.mask.*scores`) and singular values
            (`*.sigma`) their own.
        loss: The loss of the phase, but for tasks with a loss of their own.
        criterion: How important a weight is.
        schedule: Sparsity over the phase.
        structure: What of a matrix is kept or pruned as one: `Element` or `Rank`; None: each element.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), or in each of these
            lists of targets.
        refresh_every: Optimizer steps between two refreshes; before every evaluation there is one more.
        task_masks: `shared`: all tasks have one mask; `separate`: each has its own; `hybrid`: each keeps what either a
            mask for all or its own keeps, up to twice as much as the schedule says; `hybrid_rescaled`: as much as that,
            on average over the tasks. All but the first need a criterion that accumulates.
        targets: Names of the matrices to prune, None: those of the Transformer layers; pooler and heads stay dense.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        dense: Length and rates of a dense phase before, None: there is none.
        dense_loss: The loss of the dense phase, None: cross-entropy.
        start_from: A run's folder or a checkpoint to take the weights from, None: the pretrained encoder. Of
            a run pruned by rank its `checkpoints/best.ckpt`: what it pruned stays so, what it kept is pruned further.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        prune: Phase,
        loss: Loss,
        criterion: Criterion,
        schedule: Schedule,
        structure: Structure | None = None,
        scope: Scope = "local",
        refresh_every: int = 1,
        task_masks: str = "shared",
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
    ) -> None:
        if task_masks not in TASK_MASKS:
            raise UserError(f"task_masks is {task_masks!r}, needed is one of {', '.join(TASK_MASKS)}")
        if task_masks != "shared" and not criterion.accumulates:
            raise UserError(
                f"task_masks={task_masks!r} needs a criterion that accumulates (lit_prune.sparsity.criteria.Movement): "
                f"{type(criterion).__name__} says the same of a weight for every task"
            )
        super().__init__(
            encoder,
            tasks,
            "prune",
            prune,
            loss,
            schedule,
            scope,
            refresh_every,
            targets,
            patterns,
            without=("pooler", "classifier"),
            structure=structure,
            dense=dense,
            dense_loss=dense_loss,
            start_from=start_from,
        )
        self.criterion = criterion
        self.task_masks = task_masks

    def trained_names(self, phase: str) -> list[str]:
        """Return the names of the model's parameters that a phase trains; pruning, also the scores of learned masks."""
        names = super().trained_names(phase)
        if phase != "prune":
            return names
        structure, is_learned = self.structure or Element(), self.criterion.accumulates
        for layer in layers_in(self.matched):
            linear = self.get_submodule(layer)
            assert isinstance(linear, nn.Linear | RankPair)
            before = [name for name in names if name.startswith(f"{layer}.")]
            place = names.index(before[0])
            own = [*structure.trained_names(linear, is_learned), *(["bias"] if before[-1].endswith(".bias") else [])]
            names[place : place + len(before)] = [f"{layer}.{each}" for each in own]
        if not is_learned:
            return names
        parts = ["scores"] if self.task_masks == "shared" else [f"own.{task}.scores" for task in self.tasks]
        return [
            *names,
            *self.score_names([*parts, *(["shared.scores"] if self.task_masks.startswith("hybrid") else [])]),
        ]

    def enter(self, phase: str) -> None:
        """Put masks over the targets; blocks of ranks of which none is kept then have no gradient."""
        super().enter(phase)
        strategy = self.trainer.strategy
        layers = masked_layers(self).values()
        if isinstance(strategy, DDPStrategy) and any(isinstance(layer, LowRankLinear) for layer in layers):
            strategy._ddp_kwargs["find_unused_parameters"] = True

    def make_mask(self, name: str, masked: Tensor) -> Mask:
        """Keep everything: at first scores, or a reversible mask."""
        if not self.criterion.accumulates:
            return ReversibleMask(torch.ones_like(masked, dtype=torch.bool))
        if self.task_masks == "shared":
            return LearnedMask(self.scores(masked))
        own = {task: LearnedMask(self.scores(masked)) for task in self.tasks}
        return TaskMasks(own, None if self.task_masks == "separate" else LearnedMask(self.scores(masked)))

    def scores(self, masked: Tensor) -> Tensor:
        """The criterion's."""
        return self.criterion(masked, self.schedule(self.progress))

    def refresh_learned(self, pool: Sequence[Mask], sparsity: float) -> None:
        """Set the thresholds, of rescaled hybrid masks so that what a task keeps has the density."""
        rescaled = [mask for mask in pool if isinstance(mask, TaskMasks)] if self.task_masks == TASK_MASKS[-1] else []
        super().refresh_learned(pool, part_sparsity(rescaled, sparsity) if rescaled else sparsity)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Encode with the masks of the batch's task."""
        use_task(self, batch.task)
        return super().encode(batch)
