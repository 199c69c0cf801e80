"""Matched draws: shares of strata and of aligned rows, by counting."""

import numpy as np
import pytest

from lit_prune.data.sources.matching import apportion, count_kinds, draw_at_rate, draw_matched, largest_size

RATES = [0.0, 0.3, 0.5, 0.9, 0.97, 1.0]


@pytest.fixture
def rows():
    """Strata of unequal size, and kinds of which neither has the same share in all strata."""
    generator = np.random.default_rng(0)
    stratum = generator.choice(5, size=3000, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    return stratum, generator.random(3000) < 0.5 + stratum / 20


@pytest.mark.parametrize(
    ("size", "weights", "expected"),
    [
        (10, [1, 1, 2], [2, 3, 5]),  # quotas 2.5, 2.5, 5: the sum is 9 without the first of the largest remainders
        (7, [5, 3, 0], [4, 3, 0]),  # 4.375, 2.625
        (3, [2, 1], [2, 1]),
        (0, [2, 1], [0, 0]),
    ],
)
def test_largest_remainders_by_hand(size, weights, expected):
    parts = apportion(size, np.array(weights))
    assert sorted(parts) == sorted(expected)
    assert parts.sum() == size
    assert abs(parts - size * np.array(weights) / sum(weights)).max() < 1


@pytest.mark.parametrize("rate", RATES)
def test_a_draw_has_its_rate_in_all_rows_and_but_for_rounding_in_every_stratum(rows, rate):
    stratum, is_aligned = rows
    drawn = draw_at_rate(stratum, is_aligned, 700, rate, seed=1)
    assert len(set(drawn.tolist())) == 700
    assert is_aligned[drawn].sum() == round(700 * rate)
    conflicting, aligned = count_kinds(stratum[drawn], is_aligned[drawn])
    assert np.abs(aligned - rate * (conflicting + aligned)).max() < 1


@pytest.mark.parametrize("rate", [*RATES, None])
def test_strata_have_the_shares_of_all_rows_at_every_rate(rows, rate):
    stratum, is_aligned = rows
    drawn = draw_at_rate(stratum, is_aligned, 700, rate, seed=1)
    np.testing.assert_array_equal(np.bincount(stratum[drawn]), apportion(700, np.bincount(stratum)))


def test_without_a_rate_rows_are_drawn_whatever_their_kind(rows):
    stratum, is_aligned = rows
    drawn = draw_at_rate(stratum, is_aligned, 1000, None, seed=1)
    assert is_aligned[drawn].mean() == pytest.approx(is_aligned.mean(), abs=0.04)
    assert len(draw_at_rate(stratum, is_aligned, 3000, None, seed=1)) == 3000


@pytest.mark.parametrize("rate", RATES)
def test_the_largest_size_can_be_drawn_and_no_larger(rows, rate):
    stratum, is_aligned = rows
    available = count_kinds(stratum, is_aligned)
    largest = largest_size(available, rate, limit=10_000)
    assert 700 < largest < 3000
    assert len(draw_at_rate(stratum, is_aligned, largest, rate, seed=1)) == largest
    for size in range(largest + 1, largest + 300):
        shares = np.bincount(stratum) / len(stratum) * size
        needed = np.stack([(1 - rate) * shares, rate * shares])
        too_many = (needed - available).max()
        assert too_many > -2  # of a stratum that is used up, but for rounding
    assert largest_size(available, rate, limit=70) == 70


def test_a_stratum_without_rows_of_a_kind_allows_only_the_rate_of_the_other():
    stratum, is_aligned = np.array([0, 0, 0, 1, 1, 1]), np.array([True, False, True, True, True, True])
    available = count_kinds(stratum, is_aligned)
    np.testing.assert_array_equal(available, [[1, 0], [2, 3]])
    assert largest_size(available, 0.0, limit=6) == 1  # the second stratum's share of 1 rounds to 0
    assert largest_size(available, 1.0, limit=6) == 4


def test_draws_depend_on_the_seed_alone_and_a_smaller_one_is_a_part(rows):
    first, again, other = (draw_at_rate(*rows, 500, 0.9, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    conflicting = [set(drawn[~rows[1][drawn]]) for drawn in (draw_at_rate(*rows, 500, 0.98, 1), first)]
    assert conflicting[0] < conflicting[1]


def test_matched_draws_have_all_rows_of_the_rarer_kind_of_each_stratum(rows):
    stratum, is_aligned = rows
    drawn = draw_matched(stratum, is_aligned, seed=1)
    counts = count_kinds(stratum[drawn], is_aligned[drawn])
    np.testing.assert_array_equal(counts[0], counts[1])
    np.testing.assert_array_equal(counts[0], count_kinds(stratum, is_aligned).min(axis=0))
    assert len(set(drawn.tolist())) == len(drawn)
