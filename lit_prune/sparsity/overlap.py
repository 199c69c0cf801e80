"""How much of what two masks keep is the same, beside what chance alone would give."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Counts: TypeAlias = npt.NDArray[np.integer[Any]]
Floats: TypeAlias = npt.NDArray[np.float64]


def overlap(both: Counts, one: Counts, other: Counts, size: Counts) -> tuple[Floats, Floats]:
    """Return entries that two masks keep, over those that either keeps (Jaccard: intersection over union).

    Args:
        both: Entries of each matrix that both keep, (..., matrices).
        one: Entries that the first keeps, (..., matrices).
        other: Entries that the second keeps, (..., matrices).
        size: Entries of each matrix, (matrices,).

    Returns:
        The overlap (...) in all matrices together, and that of independent random masks which keep as many entries of
        each matrix: their expected intersection over the union it leaves. 0 where nothing is kept.
    """
    kept = (one + other).sum(axis=-1, dtype=np.float64)
    by_chance = (one * other / size).sum(axis=-1, dtype=np.float64)
    return _over_union(both.sum(axis=-1, dtype=np.float64), kept), _over_union(by_chance, kept)


def _over_union(shared: Floats, kept: Floats) -> Floats:
    union = kept - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)
