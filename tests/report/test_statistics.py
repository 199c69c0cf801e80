"""Statistics against NumPy, SciPy and scikit-learn."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from lit_prune.report.statistics import (
    RESAMPLES,
    adjust_holm,
    draw_weights,
    join_intervals,
    mean_ranks,
    paired_p_value,
    percentile_interval,
    resample_rows,
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


def test_mean_ranks_share_the_mean_of_tied_places():
    values = np.array([[0.9, 0.9, 0.1], [0.5, 0.7, 0.6]])
    highest, num = mean_ranks(values, True)
    assert ([*highest], num) == ([2.25, 1.25, 2.5], 2)  # of ranks (1.5, 1.5, 3) and (3, 1, 2)
    lowest, _ = mean_ranks(values, False)
    assert [*lowest] == [1.75, 2.75, 1.5]


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


def test_an_interval_over_seeds_is_that_of_scipys_t_test():
    differences = np.random.default_rng(1).normal(0.1, 0.05, size=5)
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert seeds_interval(differences) == pytest.approx((expected.low, expected.high))
    assert seeds_interval(np.full(2, 0.25)) == (0.25, 0.25)


def coverage(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


def test_of_five_seeds_the_t_interval_covers_the_mean_as_often_as_it_states_and_percentiles_do_not():
    generator = np.random.default_rng(2)
    samples = generator.normal(0.1, 0.05, size=(1000, 5))
    weights = draw_weights(5, RESAMPLES, generator)
    assert coverage(map(seeds_interval, samples), 0.1) == pytest.approx(0.95, abs=0.02)
    assert coverage((percentile_interval(weights @ each) for each in samples), 0.1) == pytest.approx(0.85, abs=0.03)


def test_an_interval_over_seeds_and_rows_covers_the_mean_over_both():
    generator = np.random.default_rng(3)
    intervals, of_seeds_alone = [], []
    for _ in range(200):
        noise = [generator.normal(0, scale, size) for scale, size in ((0.05, (5, 1)), (0.5, (1, 100)), (0.3, (5, 100)))]
        values = 0.1 + noise[0] + noise[1] + noise[2]  # of seeds, rows, and both
        pairs = [(of_rows(each), of_rows(np.zeros(100))) for each in values]
        of_seeds_alone.append(seeds_interval(values.mean(axis=1)))
        over_rows = percentile_interval(resample_rows(pairs, 100))
        intervals.append(join_intervals(values.mean(), of_seeds_alone[-1], over_rows))
    assert 0.92 < coverage(intervals, 0.1) < 0.995
    assert coverage(of_seeds_alone, 0.1) < 0.85


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
    samples = resample_rows([(of_rows(first), of_rows(second))], 200)
    low, high = percentile_interval(samples)
    width = expected.high - expected.low
    assert (low, high) == (
        pytest.approx(expected.low, abs=0.06 * width),
        pytest.approx(expected.high, abs=0.06 * width),
    )
    np.testing.assert_array_equal(samples, resample_rows([(of_rows(first), of_rows(second))], 200))  # seeded


def test_rows_that_are_all_alike_leave_the_interval_over_seeds():
    differences = np.random.default_rng(5).normal(0.1, 0.05, size=10)
    pairs = [(of_rows(np.full(30, each)), of_rows(np.zeros(30))) for each in differences]
    over_seeds, over_rows = seeds_interval(differences), percentile_interval(resample_rows(pairs, 30))
    assert join_intervals(differences.mean(), over_seeds, over_rows) == pytest.approx(over_seeds)


def test_distances_of_joined_intervals_are_added_as_squares():
    assert join_intervals(1.0, (0.7, 1.5), (0.6, 2.2)) == pytest.approx((0.5, 2.3))


def test_the_rows_of_all_seeds_are_drawn_together():
    pair = of_rows(np.random.default_rng(6).random(50)), of_rows(np.zeros(50))
    alone, together = resample_rows([pair], 50), resample_rows([pair] * 6, 50)
    np.testing.assert_allclose(together, alone)  # six seeds of the same rows are no more rows


def test_many_rows_are_drawn_in_parts():
    num = 5_000  # 800 draws at once
    statistic = of_rows(np.random.default_rng(7).random(num))
    shapes = []

    def watched(weights):
        shapes.append(weights.shape)
        return statistic(weights)

    resample_rows([(watched, of_rows(np.zeros(num)))], num)
    assert sum(shape[0] for shape in shapes) == RESAMPLES
    assert len(shapes) > 1


def enumerated(differences):
    """The two-sided p-value over all choices of signs."""
    means = [np.mean(np.array(signs) * differences) for signs in product((-1, 1), repeat=len(differences))]
    return np.mean(np.abs(means) >= abs(differences.mean()) - 1e-12)


@pytest.mark.parametrize("num", [3, 5, 10])
@pytest.mark.parametrize("shift", [0.0, 0.05, -0.2])
def test_a_paired_p_value_is_that_of_all_signs(num, shift):
    differences = np.random.default_rng(num).normal(shift, 0.1, size=num).round(2)  # with ties
    assert paired_p_value(differences) == pytest.approx(enumerated(differences))


def test_the_smallest_paired_p_values():
    assert paired_p_value(np.array([0.1, 0.2, 0.1, 0.3, 0.1])) == 2 / 2**5
    assert paired_p_value(np.full(10, -0.1)) == 2 / 2**10
    assert paired_p_value(np.zeros(10)) == 1


def test_the_p_value_of_many_seeds_is_drawn_and_the_same_each_time():
    differences = np.random.default_rng(4).normal(0.05, 0.1, size=40)
    found = paired_p_value(differences)
    assert found == paired_p_value(differences)
    assert found == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.01)


def step_down(p_values, level):
    """Holm's procedure as published: True for rejected hypotheses."""
    rejected = [False] * len(p_values)
    for place, number in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        if p_values[number] > level / (len(p_values) - place):
            break
        rejected[number] = True
    return rejected


def test_adjusted_p_values_are_those_of_holm():
    # As R's p.adjust(c(.01, .04, .03, .005), "holm") and statsmodels' multipletests(method="holm") give them.
    assert adjust_holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    generator = np.random.default_rng(5)
    for _ in range(200):
        p_values = generator.random(3) ** 3
        for level in (0.01, 0.05, 0.2):
            assert [*(adjust_holm(p_values) <= level)] == step_down(p_values, level)
    assert [*adjust_holm(np.array([0.9, 0.8]))] == [1, 1]
    assert not len(adjust_holm(np.array([])))


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
