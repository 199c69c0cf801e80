"""The frontier against its definition."""

import numpy as np
import pytest

from lit_prune.report.frontier import non_dominated


def by_definition(costs):
    """A point lies on it unless another is nowhere worse and somewhere better."""
    return [
        not any(all(b <= a for a, b in zip(mine, other, strict=True)) and (other != mine).any() for other in costs)
        for mine in costs
    ]


@pytest.mark.parametrize("num_numbers", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_points_are_those_of_the_definition(seed, num_numbers):
    costs = np.random.default_rng(seed).integers(6, size=(60, num_numbers)).astype(float)  # with ties and equal points
    assert non_dominated(costs).tolist() == by_definition(costs)


def test_all_of_a_slope_and_none_of_what_lies_above():
    slope = np.stack([np.arange(5.0), -np.arange(5.0)], axis=1)
    assert non_dominated(np.concatenate([slope, slope + 0.5])).tolist() == [True] * 5 + [False] * 5


def test_no_points_have_no_frontier():
    assert non_dominated(np.empty((0, 2))).tolist() == []


def test_of_a_million_points_it_is_the_records():
    costs = np.random.default_rng(0).normal(size=(1_000_000, 2))
    costs = costs[np.argsort(costs[:, 0])]
    lowest = np.minimum.accumulate(costs[:, 1])
    assert np.flatnonzero(non_dominated(costs)).tolist() == np.flatnonzero(np.diff(lowest, prepend=np.inf)).tolist()
