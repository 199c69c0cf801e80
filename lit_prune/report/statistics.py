"""Statistics over seeds and rows, as pure functions of arrays.

Intervals are percentile intervals of a paired bootstrap (Efron and Tibshirani 1993, chapters 8 and 13): the compared
results share seeds and rows, so both are resampled jointly. Draws are seeded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RowStatistic = Callable[[Floats], Floats]  # row weights (draws, rows) -> statistics (draws,)

RESAMPLES = 2000
LEVEL = 0.95
_SEED = 0
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
    losses = -complete if higher_is_better else complete
    better = (losses[:, None, :] < losses[:, :, None]).sum(axis=2)
    equal = (losses[:, None, :] == losses[:, :, None]).sum(axis=2)
    ranks = better + (equal + 1) / 2
    return ranks.mean(axis=0), len(complete)


def draw_weights(num: int, draws: int, generator: np.random.Generator) -> Floats:
    """Return bootstrap weights: the relative frequencies of `num` items drawn with replacement (draws, num)."""
    drawn = generator.integers(num, size=(draws, num)) + np.arange(draws)[:, None] * num
    return np.bincount(drawn.ravel(), minlength=draws * num).reshape(draws, num) / num


def percentile_interval(samples: Floats) -> tuple[float, float]:
    """Return the central `LEVEL` interval of bootstrap samples, without NaN (draws without one class have no AUROC)."""
    low, high = np.nanpercentile(samples, [100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2])
    return float(low), float(high)


def seeds_interval(differences: Floats) -> tuple[float, float]:
    """Return the bootstrap interval of a mean difference over at least two seeds (seeds,)."""
    weights = draw_weights(len(differences), RESAMPLES, np.random.default_rng(_SEED))
    return percentile_interval(weights @ differences)


def rows_interval(pairs: Sequence[tuple[RowStatistic, RowStatistic]], num_rows: int) -> tuple[float, float]:
    """Return the bootstrap interval of a mean difference, resampling seeds and rows of the evaluation set jointly.

    Args:
        pairs: The two statistics of each seed, to compute first minus second, on the same rows.
        num_rows: Number of rows, the same for every seed.
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
