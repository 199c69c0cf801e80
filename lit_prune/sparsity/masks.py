"""Masks as modules: fixed, reversible, or learned by scores (SRNets, Liu et al. 2022; Mallya et al. 2018).

What is masked is the weight of a layer, or its singular values: of either a mask has the shape.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias, cast

import torch
from torch import Tensor, nn

from lit_prune.sparsity.select import cut, largest, num_kept


class _Bits(nn.Module):
    keep: Tensor

    def __init__(self, keep: Tensor) -> None:
        super().__init__()
        assert keep.dtype == torch.bool, keep.dtype
        self.register_buffer("keep", keep.clone())

    @property
    def operands(self) -> tuple[Tensor, None]:
        """The arguments of `apply_mask`."""
        return self.keep, None

    @property
    def by_task(self) -> dict[str, Tensor]:
        """`keep` by task; of a mask for all tasks, under an empty name."""
        return {"": self.keep}

    @property
    def submasks(self) -> dict[str, "LearnedMask"]:
        """The learned masks that it is made of: none."""
        return {}


class FixedMask(_Bits):
    """A mask that training does not change: what it prunes is gone.

    Args:
        keep: bool, of the weight's shape; True for kept.
    """


class ReversibleMask(_Bits):
    """A mask that is set anew as training goes on: what it prunes keeps its value in the weight, and may come back.

    Args:
        keep: bool, of the weight's shape; True for kept.
    """


class LearnedMask(nn.Module):
    """A mask that is learned: an entry is kept while its score is above the threshold, which `refresh` sets.

    Args:
        scores: Initial scores (float32), of the weight's shape; higher means more important. The mask takes this tensor
            over: a copy of every matrix would leave holes of its size in memory. Everything is kept at first.
    """

    threshold: Tensor

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores = nn.Parameter(scores.detach())
        self.register_buffer("threshold", torch.full((), -torch.inf, device=scores.device))

    @property
    def keep(self) -> Tensor:
        """bool, of the weight's shape; True for kept."""
        return self.scores > self.threshold

    @property
    def operands(self) -> tuple[Tensor, Tensor]:
        """The arguments of `apply_mask`."""
        return self.scores, self.threshold

    @property
    def by_task(self) -> dict[str, Tensor]:
        """`keep` by task; of a mask for all tasks, under an empty name."""
        return {"": self.keep}

    @property
    def submasks(self) -> dict[str, "LearnedMask"]:
        """The learned masks that it is made of: itself."""
        return {"": self}


class TaskMasks(nn.Module):
    """A mask for each task, one in use at a time (Xia & Shin 2021, section 3).

    With a mask for all tasks beside them (hybrid) a task keeps what either keeps, and the gradient goes to both.

    Args:
        own: The mask of each task, learned ones or fixed ones; the first is in use. What a fixed one prunes keeps its
            value in the weight: another task may keep it.
        shared: The mask of all tasks, or None (separate masks).

    Attributes:
        task: The task whose mask is in use.
    """

    def __init__(self, own: Mapping[str, LearnedMask | FixedMask], shared: LearnedMask | None = None) -> None:
        super().__init__()
        self.own = nn.ModuleDict(own)
        self.shared = shared
        self.task = next(iter(own))

    @property
    def keep(self) -> Tensor:
        """bool, of the weight's shape; True for what the task in use keeps."""
        return self._keep_of(self.task)

    @property
    def by_task(self) -> dict[str, Tensor]:
        """`keep` by task."""
        return {task: self._keep_of(task) for task in self.own}

    @property
    def operands(self) -> tuple[Tensor | None, ...]:
        """The arguments of `apply_mask`; of a hybrid mask, the scores that the gradient goes to follow."""
        if self.shared is None:
            return cast("LearnedMask | FixedMask", self.own[self.task]).operands
        return self.keep, None, self.submasks[self.task].scores, self.shared.scores

    @property
    def submasks(self) -> dict[str, LearnedMask]:
        """The learned masks that it is made of, by task; the name of that for all is empty."""
        shared = {} if self.shared is None else {"": self.shared}
        return shared | {task: mask for task, mask in self.own.items() if isinstance(mask, LearnedMask)}

    def _keep_of(self, task: str) -> Tensor:
        keep = cast("LearnedMask | FixedMask", self.own[task]).keep
        return keep if self.shared is None else keep | self.shared.keep


Mask: TypeAlias = FixedMask | ReversibleMask | LearnedMask | TaskMasks


class Masked(Protocol):
    """A layer, or a tensor by itself, that has a mask.

    Attributes:
        MASKED: Name of the masked tensor below its own.
        mask: The mask.
    """

    MASKED: ClassVar[str]
    mask: Mask

    @property
    def masked(self) -> Tensor:
        """The tensor that the mask is of, pruned entries with the values that they return with."""


def gradient_of(masked: Masked) -> Tensor | None:
    """Return the gradient of a masked tensor, 0 where pruned; None before a backward pass."""
    trained: Tensor = masked.masked if isinstance(masked, nn.Module) else masked.parameter  # type: ignore[attr-defined]
    return trained.grad


def module_of(masked: Masked) -> nn.Module:
    """Return the module that computes with a masked tensor, for hooks: a layer is its own."""
    module: nn.Module = masked if isinstance(masked, nn.Module) else masked.module  # type: ignore[attr-defined]
    return module


def apply_mask(tensor: Tensor, values: Tensor, threshold: Tensor | None, out: Tensor) -> Tensor:
    """Return a tensor where it is kept, and zeros elsewhere.

    Args:
        tensor: Of the mask's shape.
        values: What is kept (bool), or scores.
        threshold: Scores above it are kept. If None, `values` marks what is kept.
        out: What the result is written to and has the data type of; may be `tensor` itself.
    """
    if threshold is None:
        return torch.mul(tensor, values.view(torch.uint8), out=out)  # a bool would be converted three times slower
    if tensor.is_cpu and not torch.compiler.is_compiling():
        # Compares and chooses in one pass, as no other operation does; a GPU would have to wait for the number.
        masked: Tensor = torch.ops.aten.threshold_backward.grad_input(tensor, values, float(threshold), grad_input=out)
        return masked
    return torch.mul(tensor, values > threshold, out=out)


@dataclass(frozen=True)
class Refreshed:
    """The last update of the masks: its optimizer step, and the share of entries that flipped."""

    step: int
    flipped: float


def flipped(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """Return the share of all entries (bool tensors by name) that changed between kept and pruned."""
    num_flipped = sum(int((before[name] != keep).count_nonzero()) for name, keep in after.items())
    return num_flipped / sum(keep.numel() for keep in after.values())


@torch.no_grad()
def refresh(pool: Sequence[LearnedMask], sparsity: float) -> None:
    """Set the threshold of a pool so that exactly the largest scores are kept, until the scores move.

    It is midway between the smallest kept and the largest pruned score, because a hard initialisation (scores .02 and
    0) then has the paper's threshold phi = .01.

    Args:
        pool: The learned masks that share the sparsity and so a threshold, on one device.
        sparsity: The fraction to remove.

    Raises:
        UserError: `sparsity` is outside of [0, 1), or a score is NaN or not float32.
    """
    scores = [mask.scores for mask in pool]
    total = sum(score.numel() for score in scores)
    num_keep = num_kept(total, sparsity)
    if num_keep == total:
        for mask in pool:
            mask.threshold.fill_(-torch.inf)
        return
    found = cut(scores, num_keep)
    smallest_kept, largest_pruned = found.smallest_kept, found.largest_pruned
    assert smallest_kept > -torch.inf, "fewer scores are above -inf than are to be kept"
    if largest_pruned == smallest_kept:  # what loses a tie is moved below it
        for score, keep in zip(scores, found.keeps, strict=True):
            score.masked_fill_(~keep & (score == smallest_kept), _next_below(smallest_kept))
        largest_pruned = largest(scores, [~keep for keep in found.keeps])
    midpoint = smallest_kept / 2 + largest_pruned / 2
    midpoint.masked_fill_(midpoint.abs() < torch.finfo(midpoint.dtype).tiny, 0)  # where subnormals are flushed it is 0
    # Between neighbouring floats the midpoint rounds to one of them: it must not be the kept one.
    between = (largest_pruned <= midpoint) & (midpoint < smallest_kept)
    threshold = torch.where(between, midpoint, largest_pruned)
    for mask in pool:
        mask.threshold.copy_(threshold)


def _next_below(value: Tensor) -> Tensor:
    """The next smaller float; of 0 the next normal one, as subnormals equal 0 where the processor flushes them."""
    return torch.minimum(value.nextafter(torch.full_like(value, -torch.inf)), value - torch.finfo(value.dtype).tiny)
