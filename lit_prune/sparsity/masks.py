"""Masks as modules: fixed, or learned by scores against a threshold (SRNets, Liu et al. 2022; Mallya et al. 2018)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from lit_prune.sparsity.select import check_scope, keep_largest, num_kept


class FixedMask(nn.Module):
    """A mask that training does not change.

    Args:
        keep: bool, of the weight's shape; True for kept.
    """

    keep: Tensor

    def __init__(self, keep: Tensor) -> None:
        super().__init__()
        assert keep.dtype == torch.bool, keep.dtype
        self.register_buffer("keep", keep.clone())

    @property
    def operands(self) -> tuple[Tensor, None]:
        """What `keep_only` needs to know of the mask."""
        return self.keep, None


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
        """What `keep_only` needs to know of the mask."""
        return self.scores, self.threshold


Mask: TypeAlias = FixedMask | LearnedMask


def keep_only(tensor: Tensor, values: Tensor, threshold: Tensor | None, out: Tensor) -> Tensor:
    """A tensor where it is kept, and zeros elsewhere.

    Args:
        tensor: Of the mask's shape.
        values: What is kept (bool), or scores.
        threshold: Scores above it are kept; None: `values` says what is kept.
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
    """What the last refresh of the thresholds found: the optimizer step, and the share of entries that flipped."""

    step: int
    flipped: float


@torch.no_grad()
def refresh(masks: Mapping[str, LearnedMask], sparsity: float, scope: str) -> None:
    """Set the thresholds so that exactly the largest scores are kept, until the scores move.

    Args:
        masks: The learned masks by name, on one device.
        sparsity: The fraction to remove.
        scope: "local" removes it of every matrix, "global" of all matrices taken together.

    Raises:
        UserError: `scope` is another word, `sparsity` is outside of [0, 1), or a score is NaN or not float32.
    """
    pool = list(masks.values())
    for group in [pool] if check_scope(scope) == "global" else [[mask] for mask in pool]:
        _refresh_pool(group, sparsity)


def flipped(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """The share of all entries (bool tensors by name) that changed between kept and pruned."""
    num_flipped = sum(int((before[name] != keep).sum()) for name, keep in after.items())
    return num_flipped / sum(keep.numel() for keep in after.values())


def _refresh_pool(pool: Sequence[LearnedMask], sparsity: float) -> None:
    """Set one threshold for all masks of a pool: midway between the smallest kept and the largest pruned score.

    Midway, because a hard initialisation (scores .02 and 0) then has the paper's threshold phi = .01.
    """
    scores = [mask.scores for mask in pool]
    total = sum(score.numel() for score in scores)
    num_keep = num_kept(total, sparsity)
    if num_keep == total:
        for mask in pool:
            mask.threshold.fill_(-torch.inf)
        return
    keeps = keep_largest(scores, num_keep)
    pairs = list(zip(scores, keeps, strict=True))
    smallest_kept = torch.stack([score.masked_fill(~keep, torch.inf).amin() for score, keep in pairs]).amin()
    assert smallest_kept > -torch.inf, "fewer scores are above -inf than are to be kept"
    below = _next_below(smallest_kept)
    for score, keep in pairs:
        score.masked_fill_(~keep & (score == smallest_kept), below)
    largest_pruned = torch.stack([score.masked_fill(keep, -torch.inf).amax() for score, keep in pairs]).amax()
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
