"""The kinds of masks that a `Engine` keeps: reversible, learned, learned per task, or fixed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, cast

import torch
from torch import Tensor

from lit_prune.sparsity.hybrid import submask_sparsity
from lit_prune.sparsity.masks import FixedMask, LearnedMask, Mask, ReversibleMask, TaskMasks, refresh
from lit_prune.sparsity.pools import allot
from lit_prune.sparsity.prune import keep_further, keep_largest_of

if TYPE_CHECKING:
    from lit_prune.sparsity.engine import Engine

TaskMaskKind: TypeAlias = Literal["separate", "hybrid", "hybrid_rescaled"]


class MaskKind(ABC):
    """A kind of masks: how they are made, and set to a sparsity."""

    score_names: ClassVar[tuple[str, ...]] = ()  # parameters of a mask, below its layer's `mask`
    is_rescaled = False  # True if masks of one sparsity are combined to another

    def attach(self, engine: "Engine") -> None:
        """Put masks over an engine's targets."""
        engine.put(lambda name, masked: self.make(engine, name, masked))

    @abstractmethod
    def make(self, engine: "Engine", name: str, masked: Tensor) -> Mask:
        """Return the first mask of a layer, which keeps everything.

        Args:
            engine: Its criterion scores.
            name: Name of the layer.
            masked: The tensor that is masked.
        """

    @abstractmethod
    def update(self, engine: "Engine", sparsity: float) -> None:
        """Set the masks of each of an engine's pools to exactly a sparsity."""

    def restore(self, engine: "Engine", state: Mapping[str, Tensor]) -> None:
        """Set the masks to those in the state dict of an engine."""
        for name, layer in engine.layers.items():
            layer.mask.load_state_dict({part: state[f"{name}.{part}"] for part in layer.mask.state_dict()})

    def names_of_scores(self) -> Sequence[str]:
        """Return the names of a mask's trained parameters, below its layer's `mask`."""
        return self.score_names


class Reversible(MaskKind):
    """Masks that follow the weights: a pruned entry keeps its value, and returns when others fall below it."""

    def make(self, engine: "Engine", name: str, masked: Tensor) -> Mask:
        """Return a mask that keeps everything."""
        return ReversibleMask(torch.ones_like(masked, dtype=torch.bool))

    def update(self, engine: "Engine", sparsity: float) -> None:
        """Keep the largest scores of the weights as they are now."""
        layers = engine.layers
        for pool in engine.pools:
            scores = {name: engine.criterion.score(name, layers[name].masked, sparsity) for name in pool}
            for names, own in allot(engine.scope, scores, sparsity):
                keeps = keep_largest_of({name: scores[name] for name in names}, own, engine.structure)
                for name, keep in keeps.items():
                    layers[name].mask.keep.copy_(keep)
        _correct(engine)


class Learned(MaskKind):
    """Masks whose scores are trained; the criterion initialises them."""

    score_names = ("scores",)

    def make(self, engine: "Engine", name: str, masked: Tensor) -> Mask:
        """Return a mask with initial scores."""
        return LearnedMask(engine.criterion.score(name, masked, engine.schedule(0.0)))

    def update(self, engine: "Engine", sparsity: float) -> None:
        """Set the thresholds of the scores."""
        layers = engine.layers
        for pool in engine.pools:
            masks = {name: layers[name].mask for name in pool}
            share = self.submask_sparsity(list(masks.values()), sparsity)
            for part in masks[pool[0]].submasks:
                scores = {name: mask.submasks[part].scores for name, mask in masks.items()}
                for names, own in allot(engine.scope, scores, share):
                    refresh([masks[name].submasks[part] for name in names], own)
        _correct(engine)

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
        self.is_rescaled = kind == "hybrid_rescaled"

    def make(self, engine: "Engine", name: str, masked: Tensor) -> Mask:
        """Return a mask for each task and, if hybrid, one for all."""

        def learned() -> LearnedMask:
            return cast(LearnedMask, super(PerTask, self).make(engine, name, masked))

        own: Mapping[str, LearnedMask] = {task: learned() for task in self.tasks}
        return TaskMasks(own, None if self.kind == "separate" else learned())

    def submask_sparsity(self, masks: Sequence[Mask], sparsity: float) -> float:
        """Return the sparsity of each part; of rescaled hybrid masks lower than that of their union."""
        if not self.is_rescaled:
            return sparsity
        return submask_sparsity(cast(Sequence[TaskMasks], masks), sparsity)

    def names_of_scores(self) -> Sequence[str]:
        """Return the names of a mask's trained parameters."""
        shared = [] if self.kind == "separate" else ["shared.scores"]
        return [*(f"own.{task}.scores" for task in self.tasks), *shared]


class Fixed(MaskKind):
    """Masks that training does not change: a pruned entry is 0, and later updates prune further."""

    def attach(self, engine: "Engine") -> None:
        """Leave the network as it is: an update puts the masks there."""

    def make(self, engine: "Engine", name: str, masked: Tensor) -> Mask:
        """Return a mask that keeps everything."""
        return FixedMask(torch.ones_like(masked, dtype=torch.bool))

    def update(self, engine: "Engine", sparsity: float) -> None:
        """Prune the least important of the entries that are left."""
        kept = {name: layer.mask.keep for name, layer in engine.layers.items()}
        weights = engine.weights()
        scores = {name: engine.criterion.score(name, weight, sparsity) for name, weight in weights.items()}
        keeps = keep_further(scores, kept, sparsity, engine.pools, engine.structure, engine.scope)
        corrected = engine.corrected(weights, keeps)  # before the masks: they set what they prune to 0
        engine.put(lambda name, _: FixedMask(keeps[name]))
        for name, value in corrected.items():
            engine.replace(name, value.masked_fill(~keeps[name], 0))

    def restore(self, engine: "Engine", state: Mapping[str, Tensor]) -> None:
        """Put the masks there that an engine had when its state dict was made; none before its first update."""
        if all(f"{name}.keep" in state for name in engine.layer_names):
            engine.put(lambda name, _: FixedMask(state[f"{name}.keep"]))


def _correct(engine: "Engine") -> None:
    """Let the criterion correct the weights under the masks as they are now."""
    layers = engine.layers
    weights = {name: layer.masked for name, layer in layers.items()}
    keeps = {name: layer.mask.keep for name, layer in layers.items()}
    for name, value in engine.corrected(weights, keeps).items():
        engine.replace(name, value)
