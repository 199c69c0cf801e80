"""Hybrid masks of a given density: that of what a task keeps, not of each mask (Xia & Shin 2021, section 3)."""

from collections.abc import Sequence

import torch

from lit_prune.sparsity.masks import TaskMasks
from lit_prune.sparsity.select import keep_largest, num_kept

_NEAR = 1000  # the union is found to this part of what it is to have


@torch.no_grad()
def submask_sparsity(pool: Sequence[TaskMasks], sparsity: float) -> float:
    """The sparsity of the mask for all and of each own mask at which a task prunes a share, on average over tasks.

    A task keeps what either keeps: between as much as each, where they agree, and twice as much, where nothing is
    common. The share is met from the side of keeping less, to a thousandth of what is kept.

    Args:
        pool: Hybrid masks that share the sparsity.
        sparsity: The fraction that a task is to prune.

    Raises:
        UserError: `sparsity` is outside of [0, 1), or a score is NaN or not float32.
    """
    total = sum(mask.submasks[""].scores.numel() for mask in pool)
    wanted = num_kept(total, sparsity)
    if wanted == total:
        return 0.0
    low, high = max(1, wanted // 2), wanted  # the union of two halves is never too large
    while high - low > max(1, wanted // _NEAR):
        middle = (low + high) // 2
        low, high = (middle, high) if _mean_union(pool, middle) <= wanted else (low, middle)
    return 1 - low / total


def _mean_union(pool: Sequence[TaskMasks], num_keep: int) -> float:
    """How much a task keeps, on average, where each of its two masks keeps so much."""
    keeps = {part: keep_largest([mask.submasks[part].scores for mask in pool], num_keep) for part in pool[0].submasks}
    of_all = keeps.pop("")
    unions = [
        int((mine | shared).count_nonzero()) for own in keeps.values() for mine, shared in zip(own, of_all, strict=True)
    ]
    return sum(unions) / len(keeps)
