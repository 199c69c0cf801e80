"""Exact, tie-stable selection of the largest scores over a pool of tensors, without sorting."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from lit_prune.errors import UserError


def check_sparsity(sparsity: float) -> float:
    """Return `sparsity` if it is a fraction that can be removed, in [0, 1).

    Raises:
        UserError: It is outside of [0, 1) or NaN.
    """
    if not 0.0 <= sparsity < 1.0:
        raise UserError(f"sparsity is {sparsity}: it is the fraction to remove and must be at least 0 and below 1")
    return sparsity


def num_kept(total: int, sparsity: float) -> int:
    """Number of entries that stay when the fraction `sparsity` of `total` is removed, rounding in favour of keeping.

    Removes floor(total * sparsity), where a product that misses a whole number by binary rounding counts as that number
    (100 * .29 is 28.999999999999996 in binary and removes 29). At least one entry stays.

    Raises:
        UserError: `sparsity` is outside of [0, 1).
    """
    assert total > 0, "an empty pool has nothing to keep"
    return max(1, total - math.floor(total * check_sparsity(sparsity) + 1e-6))


def kth_largest(tensors: Sequence[Tensor], k: int) -> Tensor:
    """The k-th largest entry over all tensors, exactly.

    Args:
        tensors: float32 tensors of any shape on one device, free of NaN.
        k: Rank from the top, 1 for the largest; at most the number of entries.

    Returns:
        0-dim float32 tensor on the tensors' device.
    """
    if tensors[0].device.type != "cpu":
        return kth_largest_by_histogram(tensors, k)
    pool = np.concatenate([tensor.detach().reshape(-1).numpy() for tensor in tensors])
    pool.partition(pool.size - k)
    return torch.tensor(pool[pool.size - k])


def kth_largest_by_histogram(tensors: Sequence[Tensor], k: int) -> Tensor:
    """`kth_largest` in two counting passes over the floats' bits, for devices on which partitioning is slow.

    The first pass finds the upper 16 bits of the answer, the second its lower 16 among the entries that share them.
    """
    images = [_ordered_bits(tensor) for tensor in tensors]
    upper, k = _bin_of_kth(((image >> 16) + 2**15 for image in images), k)
    upper -= 2**15
    lower, _ = _bin_of_kth((image[image >> 16 == upper] & 0xFFFF for image in images), k)
    bits = torch.tensor(upper << 16 | lower, dtype=torch.int32, device=tensors[0].device)
    return _flip_negative(bits).view(torch.float32)


def keep_largest(scores: Sequence[Tensor], num_keep: int) -> list[Tensor]:
    """Masks of the `num_keep` largest scores over all tensors.

    Of equal scores (-0.0 equals 0.0) the earlier ones by position stay, so that every process keeps the same.

    Args:
        scores: float32 tensors of any shape on one device; infinities are allowed.
        num_keep: Number of entries to keep over all tensors.

    Returns:
        One bool tensor per score tensor, of its shape; exactly `num_keep` entries are True in total.

    Raises:
        UserError: A score is NaN or not float32.
    """
    assert 1 <= num_keep <= sum(score.numel() for score in scores), f"cannot keep {num_keep}"
    if any(score.dtype != torch.float32 for score in scores):
        raise UserError(f"scores are {scores[0].dtype}, not float32: use precision 32-true or bf16-mixed")
    flat = [score.detach().reshape(-1) for score in scores]
    if any(score.amax().isnan() for score in flat if score.numel()):  # amax hands NaN on, and costs one reading pass
        raise UserError("a score is NaN: training has diverged, lower the learning rate or clip the gradients")
    threshold = kth_largest(flat, num_keep)
    masks = [_at_least(score, threshold) for score in flat]
    num_excess = sum(int(mask.count_nonzero()) for mask in masks) - num_keep
    for score, mask in zip(reversed(flat), reversed(masks), strict=True):
        if num_excess == 0:  # mostly so at once: only a tie at the threshold is searched for
            break
        dropped = (score == threshold).nonzero().flatten()[-num_excess:]
        mask[dropped] = False
        num_excess -= dropped.numel()
    return [mask.view(score.shape) for score, mask in zip(scores, masks, strict=True)]


def _at_least(score: Tensor, threshold: Tensor) -> Tensor:
    """`score >= threshold` of a flat tensor; on a CPU by NumPy, which takes a quarter of torch's time."""
    if score.device.type == "cpu":
        return torch.from_numpy(score.numpy() >= threshold.numpy())
    return score >= threshold


def _ordered_bits(tensor: Tensor) -> Tensor:
    """Flat int32 image of a float32 tensor in the same order; adding 0.0 turns -0.0 into 0.0."""
    return _flip_negative((tensor.detach() + 0.0).flatten().view(torch.int32))


def _flip_negative(bits: Tensor) -> Tensor:
    """Reverse the order of the negative numbers, which IEEE 754 stores by magnitude; its own inverse."""
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def _bin_of_kth(values: Iterable[Tensor], k: int) -> tuple[int, int]:
    """The k-th largest of integers in [0, 2^16), and its rank from the top among its equals."""
    counts = torch.stack([torch.bincount(value, minlength=2**16) for value in values]).sum(0)
    num_at_least = counts.flip(0).cumsum(0)
    position = int(torch.searchsorted(num_at_least, k))
    num_above = int(num_at_least[position - 1]) if position else 0
    return 2**16 - 1 - position, k - num_above
