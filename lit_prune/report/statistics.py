"""Statistics over seeds and rows, as pure functions of arrays.

Intervals are percentile intervals of a paired bootstrap (Efron and Tibshirani 1993, chapters 8 and 13): what is
compared shares its seeds and its rows, so both are drawn once for the two. Draws are seeded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RowStatistic = Callable[[Floats], Floats]  # weights of rows (draws, rows) -> statistic of each draw (draws,)

RESAMPLES = 2000
LEVEL = 0.95
_SEED = 0
_CHUNK = 4_000_000  # weights at once: 32 MB


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation (ddof 1; NaN for one value), extremes and number of values."""

    mean: float
    std: float
    low: float
    high: float
    num: int


def summarize(values: Floats) -> Summary | None:
    """Summary of the values (any number,) that are not NaN; None where all are."""
    there = values[~np.isnan(values)]
    if not len(there):
        return None
    std = float(there.std(ddof=1)) if len(there) > 1 else float("nan")
    return Summary(float(there.mean()), std, float(there.min()), float(there.max()), len(there))


def mean_ranks(values: Floats, higher_is_better: bool) -> tuple[Floats, int]:
    """Mean rank of each method over the seeds, 1 is best; ties share the mean of their ranks.

    Args:
        values: (seeds, methods). Seeds that lack a method are left out.
        higher_is_better: Which end is rank 1.

    Returns:
        Mean ranks (methods,), NaN where no seed has all methods, and the number of seeds that have.
    """
    whole = values[~np.isnan(values).any(axis=1)]
    if not len(whole):
        return np.full(values.shape[1], np.nan), 0
    losses = -whole if higher_is_better else whole
    better = (losses[:, None, :] < losses[:, :, None]).sum(axis=2)
    equal = (losses[:, None, :] == losses[:, :, None]).sum(axis=2)
    ranks = better + (equal + 1) / 2
    return ranks.mean(axis=0), len(whole)


def draw_weights(num: int, draws: int, generator: np.random.Generator) -> Floats:
    """Draw `num` items with replacement, again and again: how often each was drawn, over `num` (draws, num)."""
    drawn = generator.integers(num, size=(draws, num)) + np.arange(draws)[:, None] * num
    return np.bincount(drawn.ravel(), minlength=draws * num).reshape(draws, num) / num


def percentile_interval(samples: Floats) -> tuple[float, float]:
    """The central `LEVEL` of bootstrap samples, NaN left out (a draw without a row of a class has no AUROC)."""
    low, high = np.nanpercentile(samples, [100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2])
    return float(low), float(high)


def seeds_interval(differences: Floats) -> tuple[float, float]:
    """Bootstrap interval of a mean difference over its seeds (seeds,), two of them or more."""
    weights = draw_weights(len(differences), RESAMPLES, np.random.default_rng(_SEED))
    return percentile_interval(weights @ differences)


def rows_interval(pairs: Sequence[tuple[RowStatistic, RowStatistic]], num_rows: int) -> tuple[float, float]:
    """Bootstrap interval of a mean difference over its seeds and over the rows of the evaluation set, drawn together.

    Args:
        pairs: For each seed the two statistics whose difference is meant, first minus second, both of the same rows.
        num_rows: Number of these rows, which are the same for every seed.
    """
    generator = np.random.default_rng(_SEED)
    seeds = draw_weights(len(pairs), RESAMPLES, generator)
    step = max(1, _CHUNK // num_rows)
    samples = []
    for start in range(0, RESAMPLES, step):
        chunk = seeds[start : start + step]
        rows = draw_weights(num_rows, len(chunk), generator)
        differences = np.stack([first(rows) - second(rows) for first, second in pairs], axis=1)
        samples.append((chunk * differences).sum(axis=1))
    return percentile_interval(np.concatenate(samples))


def weighted_mean(weights: Floats, values: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Mean of the counted values under weights.

    Args:
        weights: (draws, rows).
        values: (rows,).
        counted: Which rows count (rows,); NaN for a draw in which none has weight.
    """
    with np.errstate(invalid="ignore"):
        mean: Floats = (weights[:, counted] @ values[counted]) / weights[:, counted].sum(axis=1)
    return mean


def weighted_auroc(weights: Floats, scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Area under the ROC curve under weights, ties counted half (the Mann-Whitney statistic).

    Args:
        weights: (draws, rows).
        scores: (rows,), higher for the positive class.
        positive: Which rows are of the positive class (rows,); NaN for a draw in which one class has no weight.
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
