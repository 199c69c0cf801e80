"""The Pareto frontier of points."""

import numpy as np
from numpy.typing import NDArray

from lit_prune.report.statistics import Floats


def non_dominated(costs: Floats) -> NDArray[np.bool_]:
    """Return the points on the frontier: no other point costs at most as much in every number and less in one.

    Args:
        costs: (points, numbers), lower is better, without NaN.

    Returns:
        True for points on the frontier (points,); equal points are on it together.
    """
    found = np.zeros(len(costs), dtype=bool)
    order = np.lexsort(costs.T[::-1])  # a point comes after all that dominate it
    left = np.ascontiguousarray(costs[order].T)  # (numbers, points)
    while len(order):
        first = left[:, :1]
        found[order[(left == first).all(axis=0)]] = True
        better = (left < first).any(axis=0)
        order, left = order[better], left.compress(better, axis=1)
    return found
