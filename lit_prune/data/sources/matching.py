"""Draws of rows of two kinds, conflicting and aligned, that are matched by strata.

A stratum is a number from 0 that every row has, such as one for each pair of class and bin of lengths.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.integer]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


def count_kinds(stratum: IntArray, is_aligned: BoolArray) -> IntArray:
    """Count the conflicting and the aligned rows of each stratum, (2, strata)."""
    num_strata = int(stratum.max()) + 1
    return np.bincount(_cell(stratum, is_aligned, num_strata), minlength=2 * num_strata).reshape(2, num_strata)


def apportion(size: int, weights: IntArray) -> IntArray:
    """Divide a number in proportion to weights, by largest remainders.

    Args:
        size: The number, at most the sum of the weights.
        weights: (strata) integers of which one or more are above 0.

    Returns:
        (strata) integers with the sum `size`, none larger than its weight.
    """
    quotas = size * weights / weights.sum()
    parts: IntArray = np.floor(quotas).astype(int)
    largest = np.argsort(parts - quotas, kind="stable")[: size - int(parts.sum())]
    parts[largest] += 1
    return parts


def sizes_at_rate(available: IntArray, size: int, rate: float) -> IntArray:
    """Return how many rows of each kind and stratum a draw has.

    The shares of the strata are those of all rows, whatever the rate, and the rate is, but for rounding, that of every
    stratum.

    Args:
        available: (2, strata), from `count_kinds`.
        size: Rows of the draw.
        rate: Share of aligned rows.

    Returns:
        (2, strata) integers with the sum `size`; they may be larger than `available`.
    """
    total = apportion(size, available.sum(axis=0))
    conflicting = apportion(size - round(size * rate), total)
    return np.stack([conflicting, total - conflicting])


def largest_size(available: IntArray, rate: float, limit: int) -> int:
    """Return the largest size up to a limit for which there are enough rows of each kind and stratum, else 0."""
    limit = min(limit, int(available.sum()))
    return next((size for size in range(limit, 0, -1) if (sizes_at_rate(available, size, rate) <= available).all()), 0)


def draw_at_rate(stratum: IntArray, is_aligned: BoolArray, size: int, rate: float | None, seed: int) -> IntArray:
    """Draw rows of which a given share is aligned.

    Args:
        stratum: (rows)
        is_aligned: (rows)
        size: Rows to draw, at most `largest_size`.
        rate: Share of aligned rows. None to draw from each stratum whatever the kind.
        seed: Seed of the draw.

    Returns:
        (size) row numbers, ascending.
    """
    available = count_kinds(stratum, is_aligned)
    if rate is None:
        return _draw(stratum, apportion(size, available.sum(axis=0)), seed)
    return _draw(_cell(stratum, is_aligned, available.shape[1]), sizes_at_rate(available, size, rate).ravel(), seed)


def draw_matched(stratum: IntArray, is_aligned: BoolArray, seed: int) -> IntArray:
    """Draw as many conflicting as aligned rows of each stratum: all of the rarer kind.

    Returns:
        (drawn) row numbers, ascending.
    """
    available = count_kinds(stratum, is_aligned)
    sizes = np.tile(available.min(axis=0), 2)
    return _draw(_cell(stratum, is_aligned, available.shape[1]), sizes, seed)


def _cell(stratum: IntArray, is_aligned: BoolArray, num_strata: int) -> IntArray:
    """Number the pairs of kind and stratum from 0."""
    return is_aligned * num_strata + stratum


def _draw(cell: IntArray, sizes: IntArray, seed: int) -> IntArray:
    """Draw a number of rows of each cell; of one seed, a smaller number is a part of a larger."""
    order = np.random.default_rng(seed).permutation(len(cell))
    return np.sort(np.concatenate([order[cell[order] == number][:size] for number, size in enumerate(sizes)]))
