"""`ScoreBudget`: matrices share a budget in proportion to their mean score (SMP-S, Jiang et al. 2022)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations.allocation import Allocation
from lit_prune.sparsity.select import num_kept
from lit_prune.sparsity.targets import layers_in

Floats = npt.NDArray[np.float64]


class ScoreBudget(Allocation):
    """A budget of kept entries that matrices share in proportion to the mean of sigmoid(score / temperature).

    The density of a matrix is that of its pool times its mean over the mean of all entries, within [floor, 1]; what a
    bound leaves over, or needs, the others share in the same proportion. So each pool has the scheduled sparsity,
    exactly, unless floors, or the one entry that every matrix keeps, are more. (SMP-S: Jiang et al. 2022, arXiv
    2210.06210, section 3.2.)

    Args:
        temperature: Divisor of the scores; the larger, the more equal the densities. The authors have 1, and 4 where
            70% or more is kept.
        floor: Least density of a matrix, in [0, 1]; that of the pool where this is smaller.
        is_global: True if all matrices share one budget. By default those of each target do, one of every layer.

    Raises:
        UserError: an argument is outside of its range.
    """

    def __init__(self, temperature: float = 1.0, floor: float = 0.005, is_global: bool = False) -> None:
        if not 0 < temperature < math.inf:
            raise UserError(f"temperature of ScoreBudget must be positive and finite, got {temperature}: try 1")
        if not 0 <= floor <= 1:
            raise UserError(f"floor of ScoreBudget must be from 0 to 1, got {floor}: the authors have 0.005")
        self.temperature = temperature
        self.floor = floor
        self.is_global = is_global

    def pools(self, matched: Mapping[str, Sequence[str]]) -> list[list[str]]:
        """Return the matrices of each target, or all together."""
        return [layers_in(matched)] if self.is_global else [list(names) for names in matched.values() if names]

    @torch.no_grad()
    def sparsities(self, scores: Mapping[str, Tensor], level: float) -> dict[str, float]:
        """Return the fraction to remove of each matrix, at which the pool has the sparsity `level`."""
        sizes = np.array([score.numel() for score in scores.values()], dtype=np.float64)
        most = np.array([int((score > -torch.inf).count_nonzero()) for score in scores.values()], dtype=np.float64)
        sums = [float((score / self.temperature).sigmoid().sum(dtype=torch.float64)) for score in scores.values()]
        total = min(num_kept(int(sizes.sum()), level), int(most.sum()))
        least = np.minimum(np.maximum(1, np.floor(min(self.floor, total / sizes.sum()) * sizes)), most)
        total = max(total, int(least.sum()))
        numbers = _whole(_bounded_shares(np.array(sums), total, least, most), total)
        return {name: 1 - number / size for name, number, size in zip(scores, numbers, sizes, strict=True)}


def _bounded_shares(parts: Floats, total: float, least: Floats, most: Floats) -> Floats:
    """Divide a total by one factor of all parts, where each share is clipped to its bounds."""
    parts = np.maximum(parts / (parts.max() or 1.0), 1e-12)  # scores far below 0 have a sigmoid of 0
    # The sum of the shares is linear in the factor between those at which a share meets a bound.
    factors = np.sort(np.concatenate([least / parts, most / parts]))
    sums = [np.clip(factor * parts, least, most).sum() for factor in factors]
    shares: Floats = np.clip(np.interp(total, sums, factors) * parts, least, most)
    return shares


def _whole(shares: Floats, total: int) -> Floats:
    """Round to whole numbers of a given sum: up where the fractions are largest, ties by position."""
    numbers = np.floor(shares + 1e-6)
    order = np.argsort(numbers - shares, kind="stable")
    numbers[order[: total - int(numbers.sum())]] += 1
    return numbers
