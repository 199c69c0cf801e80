"""Statistics over seeds and rows, as pure functions of arrays.

The compared results share seeds and rows, so all statistics of differences are paired. Over seeds, intervals are
Student's: a percentile bootstrap of five seeds covers some 85% in place of 95%. Rows of the evaluation set are many and
metrics such as AUROC are no means of rows, so they are resampled (Efron and Tibshirani 1993, chapters 8 and 13). Draws
are seeded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
RowStatistic = Callable[[Floats], Floats]  # row weights (draws, rows) -> statistics (draws,)

RESAMPLES = 2000
LEVEL = 0.95
_SEED = 0
_FLIPS = 2**16  # of signs: all of those of 16 seeds
_CHUNK = 4_000_000  # weights at once: 32 MB


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation (ddof 1; NaN for one value), minimum, maximum and number of values."""

    mean: float
    std: float
    low: float
    high: float
    num: int


def summarize(values: Floats) -> Summary | None:
    """Summarise a vector of values without NaN, None if there are none."""
    finite = values[~np.isnan(values)]
    if not len(finite):
        return None
    std = float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")
    return Summary(float(finite.mean()), std, float(finite.min()), float(finite.max()), len(finite))


def mean_ranks(values: Floats, higher_is_better: bool) -> tuple[Floats, int]:
    """Return the mean rank of each method over the seeds, 1 is best; ties share the mean of their ranks.

    Args:
        values: (seeds, methods). Seeds without all methods are ignored.
        higher_is_better: Rank the highest value first.

    Returns:
        Mean ranks (methods,), NaN if no seed has all methods, and the number of seeds that have.
    """
    complete = values[~np.isnan(values).any(axis=1)]
    if not len(complete):
        return np.full(values.shape[1], np.nan), 0
    ranks = stats.rankdata(-complete if higher_is_better else complete, axis=1)
    return ranks.mean(axis=0), len(complete)


def seeds_interval(differences: Floats) -> tuple[float, float]:
    """Return Student's t interval of a mean difference over at least two seeds (seeds,)."""
    margin = stats.t.ppf((1 + LEVEL) / 2, len(differences) - 1) * stats.sem(differences)
    return float(differences.mean() - margin), float(differences.mean() + margin)


def join_intervals(center: float, first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """Return the interval over two independent sources of variation, such as seeds and rows.

    The distances of the ends from the center are added as squares (Zou and Donner 2008). The interval over seeds
    contains a part of the variation over rows, so that the joint one is slightly wide.

    Args:
        center: The estimate.
        first: Its interval over the first source, with the second one fixed.
        second: Its interval over the second source, with the first one fixed.
    """
    low, high = (float(np.hypot(center - one, center - other)) for one, other in zip(first, second, strict=True))
    return center - low, center + high


def resample_rows(pairs: Sequence[tuple[RowStatistic, RowStatistic]], num_rows: int) -> Floats:
    """Return bootstrap samples of a mean difference over fixed seeds, as rows of the evaluation set are resampled.

    Args:
        pairs: The two statistics of each seed, to compute first minus second, on the same rows.
        num_rows: Number of rows, the same for every seed.

    Returns:
        (RESAMPLES,), NaN for draws without the metric (draws without one class have no AUROC).
    """
    generator = np.random.default_rng(_SEED)
    step = max(1, _CHUNK // num_rows)
    samples = []
    for start in range(0, RESAMPLES, step):
        rows = draw_weights(num_rows, min(step, RESAMPLES - start), generator)
        samples.append(np.mean([first(rows) - second(rows) for first, second in pairs], axis=0))
    return np.concatenate(samples)


def draw_weights(num: int, draws: int, generator: np.random.Generator) -> Floats:
    """Return bootstrap weights: the relative frequencies of `num` items drawn with replacement (draws, num)."""
    drawn = generator.integers(num, size=(draws, num)) + np.arange(draws)[:, None] * num
    return np.bincount(drawn.ravel(), minlength=draws * num).reshape(draws, num) / num


def percentile_interval(samples: Floats) -> tuple[float, float]:
    """Return the central `LEVEL` interval of bootstrap samples, without NaN."""
    low, high = np.nanpercentile(samples, [100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2])
    return float(low), float(high)


def paired_p_value(differences: Floats) -> float:
    """Return the two-sided p-value of a mean difference by a paired permutation test, which flips signs.

    The null hypothesis is a distribution of differences that is symmetric about 0, as it is if both methods do the same
    (Fisher 1935, section 21). The test is exact up to 16 seeds, and uses 65,536 seeded draws of signs beyond.

    Args:
        differences: (seeds,).
    """
    return float(
        stats.permutation_test(
            (differences,),
            np.mean,
            permutation_type="samples",
            n_resamples=_FLIPS,
            rng=np.random.default_rng(_SEED),
        ).pvalue
    )


def adjust_holm(p_values: Floats) -> Floats:
    """Return p-values adjusted for the number of tests (Holm 1979), in the order given.

    Rejecting those of at most a level rejects any true null hypothesis with at most that probability, however the tests
    depend on each other.
    """
    order = np.argsort(p_values)
    num_left = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * num_left), 1)
    return adjusted


def weighted_mean(weights: Floats, values: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Return the weighted mean over a subset of rows (draws,), NaN for draws without weight on the subset.

    Args:
        weights: (draws, rows).
        values: (rows,).
        counted: True for rows of the subset (rows,).
    """
    with np.errstate(invalid="ignore"):
        mean: Floats = (weights[:, counted] @ values[counted]) / weights[:, counted].sum(axis=1)
    return mean


def weighted_auroc(weights: Floats, scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Return the weighted area under the ROC curve (draws,), NaN for draws without weight on one class.

    Ties count half (the Mann-Whitney statistic).

    Args:
        weights: (draws, rows).
        scores: (rows,), higher for the positive class.
        positive: True for rows of the positive class (rows,).
    """
    _, group = np.unique(scores, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    positives = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    negatives = np.add.reduceat(weights[:, order] * ~positive[order], starts, axis=1)
    below = negatives.cumsum(axis=1) - negatives / 2
    with np.errstate(invalid="ignore"):
        area: Floats = (positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1))
    return area
