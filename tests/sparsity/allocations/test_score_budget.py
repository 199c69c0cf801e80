import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import ScoreBudget
from lit_prune.sparsity.select import num_kept

MATCHED = {"query": ["0.q", "1.q"], "output": ["0.o", "1.o"], "pooler": []}


def drawn(spread, sizes=((30, 40), (40, 30), (20, 60), (60, 20))):
    """Scores of several matrices around different means."""
    torch.manual_seed(0)
    return {str(number): torch.randn(size) + spread * number for number, size in enumerate(sizes)}


def sigmoid(values):
    return 1 / (1 + np.exp(-values.double().numpy()))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("sparsity", [0.5, 0.9, 0.97])
def test_densities_are_in_proportion_to_mean_sigmoids(temperature, sparsity):
    """The authors' formula: density * number of layers * the layer's mean over the sum of means."""
    scores = drawn(0.4)
    means = {name: sigmoid(score / temperature).mean() for name, score in scores.items()}
    found = ScoreBudget(temperature).sparsities(scores, sparsity)
    for name, score in scores.items():
        expected = (1 - sparsity) * len(scores) * means[name] / sum(means.values())
        assert 1 - found[name] == pytest.approx(expected, abs=1.5 / score.numel())


@pytest.mark.parametrize("spread", [0.0, 0.5, 8.0])
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("sizes", [((30, 40),) * 4, ((3, 5), (40, 70), (1, 8))])
def test_a_pool_keeps_exactly_the_scheduled_number_within_bounds(spread, sparsity, sizes):
    scores = drawn(-spread, sizes)
    floor = 0.05
    found = ScoreBudget(floor=floor).sparsities(scores, sparsity)
    numbers = [num_kept(score.numel(), found[name]) for name, score in scores.items()]
    total = num_kept(sum(score.numel() for score in scores.values()), sparsity)
    share = min(floor, total / sum(score.numel() for score in scores.values()))
    least = [max(1, math.floor(share * score.numel())) for score in scores.values()]
    assert sum(numbers) == max(total, sum(least))  # tiny matrices keep an entry each
    for number, low, score in zip(numbers, least, scores.values(), strict=True):
        assert low <= number <= score.numel()


def test_what_a_bound_leaves_over_is_shared_in_the_same_proportion():
    scores = drawn(-4.0)
    sizes = np.array([score.numel() for score in scores.values()])
    sums = np.array([sigmoid(score).sum() for score in scores.values()])
    least, most = np.floor(0.1 * sizes), sizes

    def excess(factor):
        return np.clip(factor * sums, least, most).sum() - 0.4 * sizes.sum()

    expected = np.clip(brentq(excess, 0.0, 1e9, xtol=1e-12) * sums, least, most)
    found = ScoreBudget(floor=0.1).sparsities(scores, 0.6)
    numbers = np.array([num_kept(size, own) for size, own in zip(sizes, found.values(), strict=True)])
    assert numbers == pytest.approx(expected, abs=1)
    assert numbers[0] == most[0]
    assert numbers[-1] == least[-1]


def test_pruned_entries_are_not_in_the_budget():
    scores = drawn(0.0)
    scores["0"].view(-1)[5:] = -math.inf
    found = ScoreBudget().sparsities(scores, 0.5)
    numbers = {name: num_kept(score.numel(), found[name]) for name, score in scores.items()}
    assert numbers["0"] <= 5
    assert sum(numbers.values()) == 2400


def test_a_budget_is_of_a_target_or_of_all():
    assert ScoreBudget().pools(MATCHED) == [["0.q", "1.q"], ["0.o", "1.o"]]
    assert ScoreBudget(is_global=True).pools(MATCHED) == [["0.q", "1.q", "0.o", "1.o"]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0.0}, "temperature of ScoreBudget must be positive and finite, got 0.0"),
        ({"temperature": math.nan}, "temperature of ScoreBudget must be positive and finite, got nan"),
        ({"floor": 1.5}, "floor of ScoreBudget must be from 0 to 1, got 1.5"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        ScoreBudget(**settings)


@pytest.mark.parametrize("lowest", [-200.0, -1e6])
def test_scores_whose_sigmoid_is_0_are_pruned_as_others(lowest):
    scores = {"a": torch.full((10, 10), lowest), "b": torch.full((10, 10), lowest)}
    assert ScoreBudget().sparsities(scores, 0.5) == {"a": 0.5, "b": 0.5}
    found = ScoreBudget().sparsities(scores | {"b": torch.zeros(10, 10)}, 0.5)
    assert found == pytest.approx({"a": 0.99, "b": 0.01})  # each keeps one entry at least
