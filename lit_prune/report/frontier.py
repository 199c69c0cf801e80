"""The Pareto frontier: which of several points no other dominates."""

import numpy as np
from numpy.typing import NDArray

from lit_prune.report.statistics import Floats


def non_dominated(costs: Floats) -> NDArray[np.bool_]:
    """Which points lie on the frontier: no other costs at most as much in every number, and less in one.

    Args:
        costs: (points, numbers), the less the better, none NaN.

    Returns:
        (points,); points that are equal lie on it together.
    """
    found = np.zeros(len(costs), dtype=bool)
    order = np.lexsort(costs.T[::-1])  # what dominates a point lies before it: the first of what is left is on it
    left = np.ascontiguousarray(costs[order].T)  # (numbers, points)
    while len(order):
        first = left[:, :1]
        found[order[(left == first).all(axis=0)]] = True
        better = (left < first).any(axis=0)
        order, left = order[better], left.compress(better, axis=1)
    return found
