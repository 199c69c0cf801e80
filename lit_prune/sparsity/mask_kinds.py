"""The kinds of masks that a `Pruner` keeps: reversible, learned, learned per task, or fixed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from lit_prune.sparsity.hybrid import submask_sparsity
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.masks import FixedMask, LearnedMask, Mask, ReversibleMask, TaskMasks, refresh
from lit_prune.sparsity.prune import keep_further, keep_largest_of

if TYPE_CHECKING:
    from lit_prune.sparsity.pruner import Pruner

TaskMaskKind: TypeAlias = Literal["separate", "hybrid", "hybrid_rescaled"]


class MaskKind(ABC):
    """A kind of masks: how they are made, and set to a sparsity."""

    score_names: ClassVar[tuple[str, ...]] = ()  # parameters of a mask, below its layer's `mask`

    def attach(self, pruner: "Pruner", root: nn.Module) -> None:
        """Put masks over a pruner's targets."""
        install(root, pruner.layer_names, lambda name, masked: self.make(pruner, name, masked), pruner.structure)

    @abstractmethod
    def make(self, pruner: "Pruner", name: str, masked: Tensor) -> Mask:
        """Return the first mask of a layer, which keeps everything.

        Args:
            pruner: The pruner, whose criterion scores.
            name: Name of the layer.
            masked: The tensor that is masked.
        """

    @abstractmethod
    def update(self, pruner: "Pruner", root: nn.Module, sparsity: float) -> None:
        """Set the masks of each of a pruner's pools to exactly a sparsity."""

    def restore(self, pruner: "Pruner", root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Set the masks to those in the state dict of a pruner."""
        for name, layer in pruner.layers.items():
            layer.mask.load_state_dict({part: state[f"{name}.{part}"] for part in layer.mask.state_dict()})

    def names_of_scores(self) -> Sequence[str]:
        """Return the names of a mask's trained parameters, below its layer's `mask`."""
        return self.score_names


class Reversible(MaskKind):
    """Masks that follow the weights: a pruned entry keeps its value, and returns when others fall below it."""

    def make(self, pruner: "Pruner", name: str, masked: Tensor) -> Mask:
        """Return a mask that keeps everything."""
        return ReversibleMask(torch.ones_like(masked, dtype=torch.bool))

    def update(self, pruner: "Pruner", root: nn.Module, sparsity: float) -> None:
        """Keep the largest scores of the weights as they are now."""
        layers = masked_layers(root)
        for pool in pruner.pools:
            scores = {name: pruner.criterion.score(name, layers[name].masked, sparsity) for name in pool}
            keeps = keep_largest_of(scores, sparsity, pruner.structure)
            for name in pool:
                layers[name].mask.keep.copy_(keeps[name])


class Learned(MaskKind):
    """Masks whose scores are trained; the criterion initialises them."""

    score_names = ("scores",)

    def make(self, pruner: "Pruner", name: str, masked: Tensor) -> Mask:
        """Return a mask with initial scores."""
        return LearnedMask(pruner.criterion.score(name, masked, pruner.schedule(0.0)))

    def update(self, pruner: "Pruner", root: nn.Module, sparsity: float) -> None:
        """Set the thresholds of the scores."""
        layers = masked_layers(root)
        for pool in pruner.pools:
            masks = [layers[name].mask for name in pool]
            for part in masks[0].submasks:
                refresh([mask.submasks[part] for mask in masks], self.submask_sparsity(masks, sparsity))

    def submask_sparsity(self, masks: Sequence[Mask], sparsity: float) -> float:
        """Return the sparsity of each part of masks at which the whole has a sparsity."""
        return sparsity


class PerTask(Learned):
    """Learned masks for each task (Xia & Shin 2021, section 3).

    Args:
        tasks: The tasks' names.
        kind: `separate`: each task has its own mask; `hybrid`: a task keeps what a mask for all or its own keeps, up to
            twice as much as the schedule sets; `hybrid_rescaled`: as much as that, on average over the tasks.
    """

    def __init__(self, tasks: Sequence[str], kind: TaskMaskKind) -> None:
        self.tasks = list(tasks)
        self.kind = kind

    def make(self, pruner: "Pruner", name: str, masked: Tensor) -> Mask:
        """Return a mask for each task and, if hybrid, one for all."""

        def learned() -> LearnedMask:
            return cast(LearnedMask, super(PerTask, self).make(pruner, name, masked))

        own: Mapping[str, LearnedMask] = {task: learned() for task in self.tasks}
        return TaskMasks(own, None if self.kind == "separate" else learned())

    def submask_sparsity(self, masks: Sequence[Mask], sparsity: float) -> float:
        """Return the sparsity of each part; of rescaled hybrid masks lower than that of their union."""
        if self.kind != "hybrid_rescaled":
            return sparsity
        return submask_sparsity(cast(Sequence[TaskMasks], masks), sparsity)

    def names_of_scores(self) -> Sequence[str]:
        """Return the names of a mask's trained parameters."""
        shared = [] if self.kind == "separate" else ["shared.scores"]
        return [*(f"own.{task}.scores" for task in self.tasks), *shared]


class Fixed(MaskKind):
    """Masks that training does not change: a pruned entry is 0, and later updates prune further."""

    def attach(self, pruner: "Pruner", root: nn.Module) -> None:
        """Leave the network as it is: an update puts the masks there."""

    def make(self, pruner: "Pruner", name: str, masked: Tensor) -> Mask:
        """Return a mask that keeps everything."""
        return FixedMask(torch.ones_like(masked, dtype=torch.bool))

    def update(self, pruner: "Pruner", root: nn.Module, sparsity: float) -> None:
        """Prune the least important of the entries that are left."""
        weights = {name: root.get_parameter(f"{name}.weight") for name in pruner.layer_names}
        kept = {name: layer.mask.keep for name, layer in masked_layers(root).items() if name in weights}
        scores = {name: pruner.criterion.score(name, weight, sparsity) for name, weight in weights.items()}
        keeps = keep_further(scores, kept, sparsity, pruner.pools, pruner.structure)
        install(root, pruner.layer_names, lambda name, _: FixedMask(keeps[name]))

    def restore(self, pruner: "Pruner", root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Put the masks there that a pruner had when its state dict was made; none before its first update."""
        names = [name for name in pruner.layer_names if f"{name}.keep" in state]
        install(root, names, lambda name, _: FixedMask(state[f"{name}.keep"]))
