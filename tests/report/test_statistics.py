"""Statistics against NumPy, SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from lit_prune.report.statistics import (
    RESAMPLES,
    draw_weights,
    mean_ranks,
    percentile_interval,
    rows_interval,
    seeds_interval,
    summarize,
    weighted_auroc,
    weighted_mean,
)


def test_a_summary_leaves_out_what_is_missing():
    values = np.array([0.5, np.nan, 0.7, 0.9])
    found = summarize(values)
    there = values[[0, 2, 3]]
    assert (found.mean, found.std) == (pytest.approx(there.mean()), pytest.approx(np.std(there, ddof=1)))
    assert (found.low, found.high, found.num) == (0.5, 0.9, 3)
    assert np.isnan(summarize(np.array([0.5])).std)
    assert summarize(np.array([np.nan])) is None


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_mean_ranks_are_scipys(higher_is_better):
    values = np.random.default_rng(0).integers(5, size=(20, 4)).astype(float)  # with ties
    ranks, num = mean_ranks(values, higher_is_better)
    expected = stats.rankdata(-values if higher_is_better else values, axis=1).mean(axis=0)
    assert num == 20
    np.testing.assert_allclose(ranks, expected)


def test_a_seed_that_lacks_a_method_is_not_ranked():
    ranks, num = mean_ranks(np.array([[0.9, 0.1], [np.nan, 1.0]]), True)
    assert ([*ranks], num) == ([1, 2], 1)
    ranks, num = mean_ranks(np.array([[np.nan, 1.0]]), True)
    assert num == 0
    assert np.isnan(ranks).all()


def test_weights_say_how_often_each_item_was_drawn():
    weights = draw_weights(7, 5000, np.random.default_rng(0))
    counts = weights * 7
    np.testing.assert_allclose(counts, counts.round(), atol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert counts.var() == pytest.approx(6 / 7, rel=0.02)  # of a binomial, 7 draws with chance 1/7


def test_an_interval_over_seeds_is_scipys():
    differences = np.random.default_rng(1).normal(0.1, 0.05, size=12)
    expected = stats.bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    low, high = seeds_interval(differences)
    width = expected.high - expected.low
    assert (low, high) == (
        pytest.approx(expected.low, abs=0.06 * width),
        pytest.approx(expected.high, abs=0.06 * width),
    )
    assert (low, high) == seeds_interval(differences)  # draws are seeded


def test_percentiles_leave_out_draws_without_a_value():
    samples = np.append(np.arange(1001.0), [np.nan] * 50)
    assert percentile_interval(samples) == (pytest.approx(25), pytest.approx(975))


def of_rows(values):
    return lambda weights: weights @ values


def test_an_interval_over_rows_of_one_seed_is_scipys_paired_one():
    generator = np.random.default_rng(3)
    first, second = generator.random(200), generator.random(200)
    expected = stats.bootstrap(
        (first, second),
        lambda a, b, axis: (a - b).mean(axis=axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(4),
    ).confidence_interval
    low, high = rows_interval([(of_rows(first), of_rows(second))], 200)
    width = expected.high - expected.low
    assert (low, high) == (
        pytest.approx(expected.low, abs=0.06 * width),
        pytest.approx(expected.high, abs=0.06 * width),
    )


def test_rows_that_are_all_alike_leave_the_interval_over_seeds():
    differences = np.random.default_rng(5).normal(0.1, 0.05, size=10)
    pairs = [(of_rows(np.full(30, each)), of_rows(np.zeros(30))) for each in differences]
    low, high = rows_interval(pairs, 30)
    expected = seeds_interval(differences)
    width = expected[1] - expected[0]
    assert (low, high) == (pytest.approx(expected[0], abs=0.06 * width), pytest.approx(expected[1], abs=0.06 * width))


def test_the_rows_of_all_seeds_are_drawn_together():
    values = np.random.default_rng(6).random(50)
    alone = rows_interval([(of_rows(values), of_rows(np.zeros(50)))], 50)
    together = rows_interval([(of_rows(values), of_rows(np.zeros(50)))] * 6, 50)
    width = alone[1] - alone[0]
    assert together[1] - together[0] == pytest.approx(width, rel=0.1)  # six seeds of the same rows are no more rows


def test_many_rows_are_drawn_in_parts():
    num = 5_000  # 800 draws at once
    statistic = of_rows(np.random.default_rng(7).random(num))
    shapes = []

    def watched(weights):
        shapes.append(weights.shape)
        return statistic(weights)

    rows_interval([(watched, of_rows(np.zeros(num)))], num)
    assert sum(shape[0] for shape in shapes) == RESAMPLES
    assert len(shapes) > 1


def repeated(weights, num):
    """Indices of rows, each as often as its weight says."""
    return np.repeat(np.arange(num), np.round(weights * num).astype(int))


@pytest.mark.parametrize("digits", [1, 9], ids=["with ties", "without"])
def test_a_weighted_auroc_is_scikit_learns_of_the_rows_repeated(digits):
    generator = np.random.default_rng(8)
    scores, positive = generator.random(60).round(digits), generator.random(60) < 0.4
    weights = draw_weights(60, 5, generator)
    for draw, area in zip(weights, weighted_auroc(weights, scores, positive), strict=True):
        drawn = repeated(draw, 60)
        assert area == pytest.approx(roc_auc_score(positive[drawn], scores[drawn]))


def test_a_draw_without_one_class_has_no_auroc_and_no_mean():
    weights = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    positive = np.array([False, False, True])
    assert np.isnan(weighted_auroc(weights, np.arange(3.0), positive)).tolist() == [True, False]
    assert np.isnan(weighted_mean(weights, np.ones(3), positive)).tolist() == [True, False]


def test_a_weighted_mean_counts_its_rows_alone():
    generator = np.random.default_rng(9)
    values, counted = generator.random(40), generator.random(40) < 0.5
    weights = draw_weights(40, 5, generator)
    for draw, mean in zip(weights, weighted_mean(weights, values, counted), strict=True):
        drawn = repeated(draw, 40)
        assert mean == pytest.approx(values[drawn][counted[drawn]].mean())
