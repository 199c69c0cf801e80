"""Exact, tie-stable selection of the largest scores over a pool of tensors, without sorting or gathering them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lit_prune.errors import UserError


def check_sparsity(sparsity: float) -> float:
    """Return `sparsity` if it is a fraction that can be removed, in [0, 1).

    Raises:
        UserError: It is outside of [0, 1) or NaN.
    """
    if not 0.0 <= sparsity < 1.0:
        raise UserError(f"sparsity must be at least 0 and below 1, got {sparsity}: it is the fraction to remove")
    return sparsity


def exact_floor(share: float, total: int) -> int:
    """Return floor(share * total) of the decimal share: .29 of 100 is 29, though 100 * .29 is 28.999999999999996."""
    return math.floor(total * share + 1e-6)


def num_kept(total: int, sparsity: float) -> int:
    """Number of entries that stay when the fraction `sparsity` of `total` is removed, rounding in favour of keeping.

    Removes `exact_floor(sparsity, total)`. At least one entry stays.

    Raises:
        UserError: `sparsity` is outside of [0, 1).
    """
    assert total > 0, "an empty pool has nothing to keep"
    return max(1, total - exact_floor(check_sparsity(sparsity), total))


def keep_largest(scores: Sequence[Tensor], num_keep: int) -> list[Tensor]:
    """Return masks of the `num_keep` largest scores over all tensors; see `cut`."""
    return cut(scores, num_keep).keeps


@dataclass(frozen=True)
class Cut:
    """The largest scores over some tensors, told from the others.

    Attributes:
        keeps: One bool tensor per score tensor, of its shape; True for the largest.
        smallest_kept: The smallest of them (0-dim).
        largest_pruned: The largest of the others (0-dim); -inf where there is none.
    """

    keeps: list[Tensor]
    smallest_kept: Tensor
    largest_pruned: Tensor


def cut(scores: Sequence[Tensor], num_keep: int) -> Cut:
    """Tell the `num_keep` largest scores over all tensors from the others.

    Of equal scores (-0.0 equals 0.0) the earlier ones by position are kept, so that every process keeps the same.

    Args:
        scores: float32 tensors of any shape on one device; infinities are allowed.
        num_keep: Number of entries to keep over all tensors.

    Raises:
        UserError: A score is NaN or not float32.
    """
    assert 1 <= num_keep <= sum(score.numel() for score in scores), f"cannot keep {num_keep}"
    _check_ordered(scores)
    if scores[0].device.type != "cpu":
        masks = keep_largest_of_shards(scores, num_keep)
        return Cut(masks, smallest(scores, masks), largest(scores, [~mask for mask in masks]))
    flat = [score.detach().reshape(-1).numpy() for score in scores]
    for low, high in (_bracket(flat, num_keep), (-np.inf, np.inf)):
        keeps = [values > high for values in flat]
        num_missing = num_keep - sum(int(np.count_nonzero(keep)) for keep in keeps)
        between = [np.flatnonzero((values >= low) ^ keep) for values, keep in zip(flat, keeps, strict=True)]
        if 0 <= num_missing <= sum(index.size for index in between):
            break
    candidates = np.concatenate([values[index] for values, index in zip(flat, between, strict=True)])
    chosen = _first_largest(candidates, num_missing)
    ends = np.cumsum([index.size for index in between])
    for keep, index, mine in zip(keeps, between, np.split(chosen, ends[:-1]), strict=True):
        keep[index[mine]] = True
    masks = [torch.from_numpy(keep).view(score.shape) for score, keep in zip(scores, keeps, strict=True)]
    # Both are among the candidates, but where the bracket ends just there.
    kept, pruned = candidates[chosen], candidates[~chosen]
    return Cut(
        masks,
        torch.tensor(kept.min()) if kept.size else smallest(scores, masks),
        torch.tensor(pruned.max()) if pruned.size else largest(scores, [~mask for mask in masks]),
    )


def smallest(scores: Sequence[Tensor], among: Sequence[Tensor]) -> Tensor:
    """Return the smallest score (0-dim) where `among` (bool, of the same shapes) is True; inf where it nowhere is."""
    pairs = [(score.detach(), chosen) for score, chosen in zip(scores, among, strict=True) if score.numel()]
    return torch.stack([score.masked_fill(~chosen, torch.inf).amin() for score, chosen in pairs]).amin()


def largest(scores: Sequence[Tensor], among: Sequence[Tensor]) -> Tensor:
    """Return the largest score (0-dim) where `among` (bool, of the same shapes) is True; -inf where it nowhere is."""
    pairs = [(score.detach(), chosen) for score, chosen in zip(scores, among, strict=True) if score.numel()]
    return torch.stack([score.masked_fill(~chosen, -torch.inf).amax() for score, chosen in pairs]).amax()


def keep_largest_of_shards(
    scores: Sequence[Tensor],
    num_keep: int,
    rank: int = 0,
    num_processes: int = 1,
    add_up: Callable[[Tensor], Tensor] = lambda own: own,
) -> list[Tensor]:
    """Masks of the `num_keep` largest scores over the tensors of all processes, none of which sees another's scores.

    Counts of the floats' bits add up: three all-reduces, of 2^16, 2^16 and `num_processes` integers, are all that
    is sent. On one process it is what GPUs select by, where partitioning is slow.

    Args:
        scores: float32 tensors of this process, free of NaN.
        num_keep: Number of entries to keep over all processes.
        rank: Of this process; of equal scores those of lower ranks stay, and there the earlier ones by position.
        num_processes: Their number.
        add_up: Adds an int64 tensor up over all processes; each gets the sum.

    Returns:
        One bool tensor per score tensor, of its shape; exactly `num_keep` entries are True over all processes.

    Raises:
        UserError: A score of this process is NaN or not float32.
    """
    _check_ordered(scores)
    threshold = _kth_largest(scores, num_keep, add_up)
    keeps = [score.detach().reshape(-1) > threshold for score in scores]
    ties = [(score.detach().reshape(-1) == threshold).nonzero().flatten() for score in scores]
    # By process: how many are above the threshold, and at it.
    counts = torch.zeros(num_processes, 2, dtype=torch.int64, device=threshold.device)
    counts[rank, 0] = sum(int(keep.count_nonzero()) for keep in keeps)
    counts[rank, 1] = sum(len(tie) for tie in ties)
    counts = add_up(counts)
    num_missing = num_keep - int(counts[:, 0].sum()) - int(counts[:rank, 1].sum())
    for keep, tie in zip(keeps, ties, strict=True):
        keep[tie[: max(0, num_missing)]] = True
        num_missing -= len(tie)
    return [keep.view(score.shape) for score, keep in zip(scores, keeps, strict=True)]


def _check_ordered(scores: Sequence[Tensor]) -> None:
    if any(score.dtype != torch.float32 for score in scores):
        raise UserError(f"scores must be float32, got {scores[0].dtype}: use precision 32-true or bf16-mixed")
    if any(score.amax().isnan() for score in scores if score.numel()):  # amax hands NaN on
        raise UserError(
            "scores must be numbers, got NaN: training has diverged, lower the learning rate or clip the gradients"
        )


def _bracket(flat: Sequence[npt.NDArray[np.float32]], num_keep: int) -> tuple[np.float32, np.float32]:
    """Return two scores between which the threshold lies almost surely, from an evenly spaced sample.

    The sample grows with the number of scores to the power of 2/3: a larger one takes as long as it saves.
    """
    total = sum(values.size for values in flat)
    stride = max(1, round(total ** (1 / 3) / 4))
    sample = np.concatenate([values[::stride] for values in flat])
    slack = 2 * math.sqrt(sample.size)  # four standard deviations of a rank, or more
    rank = sample.size - num_keep / total * sample.size
    low, high = (int(min(max(rank + side, 0), sample.size - 1)) for side in (-slack, slack))
    sample.partition([low, high])
    return sample[low], sample[high]


def _first_largest(values: npt.NDArray[np.float32], num_keep: int) -> npt.NDArray[np.bool_]:
    """Return the `num_keep` largest entries, of equal ones the first."""
    if num_keep == 0:
        return np.zeros(values.size, bool)
    threshold = np.partition(values, values.size - num_keep)[values.size - num_keep]
    chosen: npt.NDArray[np.bool_] = values > threshold
    ties = np.flatnonzero(values == threshold)
    chosen[ties[: num_keep - np.count_nonzero(chosen)]] = True
    return chosen


def _kth_largest(tensors: Sequence[Tensor], k: int, add_up: Callable[[Tensor], Tensor]) -> Tensor:
    """The k-th largest entry over the tensors of all processes (0-dim float32), in two counts of the floats' bits.

    The first finds the upper 16 bits of the answer, the second its lower 16 among the entries that share them.
    """
    images = [_ordered_bits(tensor) for tensor in tensors]
    upper, k = _bin_of_kth(add_up(_histogram([(image >> 16) + 2**15 for image in images])), k)
    upper -= 2**15
    lower, _ = _bin_of_kth(add_up(_histogram([image[image >> 16 == upper] & 0xFFFF for image in images])), k)
    bits = torch.tensor(upper << 16 | lower, dtype=torch.int32, device=tensors[0].device)
    return _flip_negative(bits).view(torch.float32)


def _ordered_bits(tensor: Tensor) -> Tensor:
    """Flat int32 image of a float32 tensor in the same order; adding 0.0 turns -0.0 into 0.0."""
    return _flip_negative((tensor.detach() + 0.0).flatten().view(torch.int32))


def _flip_negative(bits: Tensor) -> Tensor:
    """Reverse the order of the negative numbers, which IEEE 754 stores by magnitude; its own inverse."""
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _histogram(values: Sequence[Tensor]) -> Tensor:
    """How often each integer in [0, 2^16) occurs."""
    return torch.stack([torch.bincount(value, minlength=2**16) for value in values]).sum(0)


def _bin_of_kth(counts: Tensor, k: int) -> tuple[int, int]:
    """Return the k-th largest of counted integers, and its rank from the top among its equals."""
    num_at_least = counts.flip(0).cumsum(0)
    position = int(torch.searchsorted(num_at_least, k))
    num_above = int(num_at_least[position - 1]) if position else 0
    return 2**16 - 1 - position, k - num_above
