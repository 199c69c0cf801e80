"""Means and standard deviations of methods by task, with their ranks (Fu et al. 2023, Tables 1 and 2, Fig. 4).

The methods of a task are ranked by mean, highest first, and by standard deviation over the runs, lowest first. The
correlation of both ranks is over all pairs of method and task.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lit_prune.display.table import NONE, Table
from lit_prune.report.naming import metric_label, sign, value_text
from lit_prune.report.results import Results
from lit_prune.report.run import PLANNED
from lit_prune.report.settings import ReportSettings
from lit_prune.report.statistics import Floats, summarize

_DIGITS = 3  # decimals of the table, one more if values of different ranks look equal
_LEARNED = 3.0  # standard deviations above the majority baseline


@dataclass(frozen=True)
class Spreads:
    """Means and standard deviations of methods over their runs.

    Attributes:
        methods: Names of the methods.
        metrics: One metric per task.
        means: (methods, metrics), NaN without runs.
        stds: Standard deviations (ddof 1), (methods, metrics), NaN for fewer than two runs.
        counts: Numbers of runs (methods, metrics).
        constants: Metrics of the constant-prediction baseline (metrics,), NaN if unknown.
        shares: Mean trainable fraction of the encoder (methods,), NaN if unknown.
    """

    methods: Sequence[str]
    metrics: Sequence[str]
    means: Floats
    stds: Floats
    counts: Floats
    constants: Floats
    shares: Floats

    @property
    def gains(self) -> Floats:
        """Means, negated for metrics that are better when lower."""
        return self.means * self._signs

    @property
    def learned(self) -> NDArray[np.bool_]:
        """True for means more than three standard deviations above the constant-prediction baseline (methods, metrics).

        The small standard deviation of a model that learned nothing is no merit.
        """
        return ~(self.gains - self.constants * self._signs <= _LEARNED * np.nan_to_num(self.stds))

    @property
    def _signs(self) -> Floats:
        return np.array([sign(metric) for metric in self.metrics], dtype=float)

    def without(self, number: int) -> "Spreads":
        """Return the spreads without one method."""
        kept = [each for each in range(len(self.methods)) if each != number]
        methods = [self.methods[each] for each in kept]
        return replace(
            self,
            methods=methods,
            means=self.means[kept],
            stds=self.stds[kept],
            counts=self.counts[kept],
            shares=self.shares[kept],
        )


def spreads(results: Results, settings: ReportSettings) -> Spreads | None:
    """Compute means and standard deviations of the methods of `settings.stability`, None if it is not set."""
    axis = settings.stability
    if axis is None:
        return None
    begun = [run for run in results.runs if axis in run.axes and run.status != PLANNED]
    methods = list(dict.fromkeys(run.axes[axis] for run in begun))
    figures = np.full((3, len(methods), len(settings.metrics)), np.nan)
    shares = np.full(len(methods), np.nan)
    for row, method in enumerate(methods):
        runs = [run.axes.get(axis) == method for run in results.runs]
        if (tuned := summarize(results.column("result", "tuned_share")[runs])) is not None:
            shares[row] = tuned.mean
        for column, metric in enumerate(settings.metrics):
            if (found := summarize(results.column("result", metric)[runs])) is not None:
                figures[:, row, column] = found.mean, found.std, found.num
    constants = [summarize(results.column("constant", metric)) for metric in settings.metrics]
    return Spreads(
        [value_text(axis, method) for method in methods],
        settings.metrics,
        figures[0],
        figures[1],
        figures[2],
        np.array([np.nan if each is None else each.mean for each in constants]),
        shares,
    )


def ranks(values: Floats, highest_first: bool) -> Floats:
    """Rank each column of values (methods, metrics) from 1 on; ties share the better rank, NaN stays NaN."""
    found: Floats = stats.rankdata(-values if highest_first else values, "min", axis=0, nan_policy="omit")
    return found


class Correlation(NamedTuple):
    """Spearman's rank correlation.

    Attributes:
        rho: Spearman's rho.
        p_value: Two-sided p-value by Student's t distribution.
        num: Number of pairs.
    """

    rho: float
    p_value: float
    num: int

    def __str__(self) -> str:
        p_value = "" if np.isnan(self.p_value) else f"p {self.p_value:.2g}, "
        return f"{self.rho:+.3f} ({p_value}{self.num} pairs)"


def rank_correlation(found: Spreads, rank_all: bool = False) -> Correlation:
    """Return Spearman's rho of the ranks by standard deviation and by mean, as the paper computes it: cov / (std std).

    Args:
        found: The methods' means and standard deviations.
        rank_all: Rank all means, as the paper does, including those near the majority baseline.

    Returns:
        The correlation, with NaN for rho and p-value if fewer than two pairs are ranked or all ranks are equal.
    """
    std_ranks, mean_ranks = std_and_mean_ranks(found, rank_all)
    is_ranked = ~np.isnan(std_ranks) & ~np.isnan(mean_ranks)
    first, second = std_ranks[is_ranked], mean_ranks[is_ranked]
    num = len(first)
    if num < 2 or not first.std() or not second.std():
        return Correlation(float("nan"), float("nan"), num)
    rho, p_value = map(float, stats.pearsonr(first, second))  # the ranks are by task, spearmanr would rank them anew
    return Correlation(rho, p_value if num > 2 else float("nan"), num)


def std_and_mean_ranks(found: Spreads, rank_all: bool = False) -> tuple[Floats, Floats]:
    """Return ranks by standard deviation, lowest first, and by mean, best first; NaN for unranked pairs.

    Args:
        found: The methods' means and standard deviations.
        rank_all: Rank all means, including those near the majority baseline.
    """
    ranked = (found.learned | rank_all) & ~np.isnan(found.stds)  # a single run has no standard deviation
    stds, gains = (np.where(ranked, values, np.nan) for values in (found.stds, found.gains))
    return ranks(stds, highest_first=False), ranks(gains, highest_first=True)


def pooled_ratio(found: Spreads, number: int, reference: int) -> tuple[float, float, float]:
    """Return the ratio of two methods' standard deviations, the geometric mean over the tasks that both have learned.

    Returns:
        The ratio, and the ends of its 95% interval, by the variance 1 / 2(n - 1) of the logarithm of a normal sample's
        standard deviation; NaN without a common task.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(found.stds[number] / found.stds[reference])
    there = np.isfinite(logarithms) & found.learned[number] & found.learned[reference]
    if not there.any():
        return (float("nan"),) * 3
    variances = (0.5 / (found.counts[[number, reference]][:, there] - 1)).sum(0)
    mean, margin = logarithms[there].mean(), 1.96 * np.sqrt(variances.sum()) / there.sum()
    return float(np.exp(mean)), float(np.exp(mean - margin)), float(np.exp(mean + margin))


def stability_tables(found: Spreads | None, settings: ReportSettings) -> list[Table]:
    """Return the paper's table and, if any means are near the majority baseline, a second table without them.

    A row has the mean and standard deviation of a method on each task with their ranks, and the means over the tasks.
    """
    if found is None:
        return []
    near_baseline = not found.learned[~np.isnan(found.means)].all()
    return [_table(found, settings, rank_all) for rank_all in ([True, False] if near_baseline else [True])]


def _table(found: Spreads, settings: ReportSettings, rank_all: bool) -> Table:
    reference = value_text(str(settings.stability), settings.reference.get(str(settings.stability)))
    against = found.methods.index(reference) if reference in found.methods else None
    unknown = bool(np.isnan(found.shares).all())
    columns = _columns(found, rank_all)
    rows = []
    for row, method in enumerate(found.methods):
        ratio = [] if against is None else [_ratio(found, row, against)]
        tuned = [] if unknown else [f"{found.shares[row]:.2%}"]
        rows.append([method, *tuned, *(column[row] for column in columns), *ratio])
    header = [str(settings.stability), *([] if unknown else ["tuned"]), *map(metric_label, found.metrics), "mean"]
    header += [] if against is None else [f"std / {found.methods[against]}'s"]
    notes = ["In brackets the ranks of means and of standard deviations (ddof 1) of a column."]
    if not np.isnan((correlation := rank_correlation(found, rank_all)).rho):
        notes[0] += f" Spearman's rho of both over the tasks: {correlation}"
        jackknife = [rank_correlation(found.without(number), rank_all).rho for number in range(len(found.methods))]
        if not np.isnan(jackknife).any():
            notes[0] += f", {min(jackknife):+.3f} to {max(jackknife):+.3f} where one method is left out"
        notes[0] += "."
    if not rank_all:
        notes.append(
            f"=: within {_LEARNED:g} standard deviations of the majority baseline, or below; such means have no rank, "
            "nor has the mean over tasks of their method."
        )
    if against is not None:
        notes.append(
            "The ratio of standard deviations is its geometric mean over the columns, with its 95% interval; columns "
            "in which either method is near the majority baseline have no part in it."
        )
    title = f"Stability by {settings.stability}" + ("" if rank_all else ", without means near the majority baseline")
    return Table(title, header, rows, 1, notes)


def _columns(found: Spreads, rank_all: bool) -> list[list[str]]:
    """Return the cells of each task's column, and of the column of means over the tasks."""
    std_ranks, mean_ranks = std_and_mean_ranks(found, rank_all)
    near = ~found.learned & (not rank_all)
    columns = [
        _cells(found.means[:, task], mean_ranks[:, task], found.stds[:, task], std_ranks[:, task], near[:, task])
        for task in range(len(found.metrics))
    ]
    ranked = ~np.isnan(mean_ranks).any(axis=1)
    means, gains, stds = (each.mean(axis=1) for each in (found.means, found.gains, found.stds))
    above = ranks(np.where(ranked, gains, np.nan)[:, None], highest_first=True)[:, 0]
    below = ranks(np.where(ranked, stds, np.nan)[:, None], highest_first=False)[:, 0]
    means = np.where(np.isnan(stds), np.nan, means)
    return [*columns, _cells(means, above, stds, below, np.zeros_like(ranked))]


def _cells(means: Floats, above: Floats, stds: Floats, below: Floats, marked: NDArray[np.bool_]) -> list[str]:
    """Return means and standard deviations of methods with their ranks, with enough digits to distinguish the ranks."""
    digits = max(_digits(means, above), _digits(stds, below))
    rows = zip(means, above, stds, below, marked, strict=True)
    return [
        NONE
        if np.isnan(mean)
        else f"{'=' if near else ''}{_number(mean, digits)}{_rank(high)}"
        + ("" if np.isnan(std) else f" ± {_number(std, digits)}{_rank(low)}")
        for mean, high, std, low, near in rows
    ]


def _digits(values: Floats, places: Floats) -> int:
    """Return 3, or 4 if values of different ranks look equal with three decimals."""
    ranked = ~np.isnan(places)
    texts = {(_number(value, _DIGITS), place) for value, place in zip(values[ranked], places[ranked], strict=True)}
    return _DIGITS if len({text for text, _ in texts}) == len(texts) else _DIGITS + 1


def _number(value: float, digits: int) -> str:
    return NONE if np.isnan(value) else f"{value:.{digits}f}"


def _ratio(found: Spreads, row: int, against: int) -> str:
    ratio, low, high = pooled_ratio(found, row, against)
    if row == against or np.isnan(ratio):
        return NONE
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"


def _rank(value: float) -> str:
    return "" if np.isnan(value) else f" [{value:.0f}]"
