"""How steady methods are beside how good they are: their means and standard deviations by task, with their ranks.

As Fu et al. 2023 have it (Tables 1 and 2, Fig. 4): a task's methods are ranked by their mean, the highest first, and by
their standard deviation over the runs, the lowest first; the correlation of both ranks is over all pairs of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lit_prune.studies.report.naming import metric_label, sign, value_text
from lit_prune.studies.report.results import Results
from lit_prune.studies.report.run import PLANNED
from lit_prune.studies.report.settings import ReportSettings
from lit_prune.studies.report.statistics import Floats, summarize
from lit_prune.studies.report.tables import NONE, Table

_PRINTED = 3  # ranks that the table tells
_LEARNED = 3.0  # standard deviations above what one answer to all rows gets


@dataclass(frozen=True)
class Spreads:
    """What methods reached.

    Attributes:
        methods: Their names.
        metrics: One of each task.
        means: (methods, metrics), NaN where there is no run.
        stds: Standard deviations over runs (ddof 1), (methods, metrics), NaN of fewer than two.
        counts: How many runs there are (methods, metrics).
        constants: What one answer to all rows gets (metrics,), NaN where that is not known.
        shares: The mean share of the encoder's entries that a method tunes (methods,), NaN where that is not known.
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
        """The means, the higher the better."""
        return self.means * self._signs

    @property
    def learned(self) -> NDArray[np.bool_]:
        """Whether a mean is over three standard deviations better than one answer to all rows (methods, metrics).

        Of what is not, a small standard deviation is no merit.
        """
        return ~(self.gains - self.constants * self._signs <= _LEARNED * np.nan_to_num(self.stds))

    @property
    def _signs(self) -> Floats:
        return np.array([sign(metric) for metric in self.metrics], dtype=float)

    def without(self, number: int) -> "Spreads":
        """Those of the other methods."""
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
    """Means and standard deviations of the methods of `settings.stability`; None: that names no axis."""
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
    """Ranks down each column of values (methods, metrics), from 1 on: equals share the better one, NaN have none."""
    losses = -values if highest_first else values
    found: Floats = 1.0 + (losses[None, :, :] < losses[:, None, :]).sum(axis=1)
    return np.where(np.isnan(values), np.nan, found)


def rank_correlation(found: Spreads) -> float:
    """Spearman's rho of the ranks by standard deviation and by mean, as the paper computes it: cov / (std std)."""
    steady, good = both_ranks(found)
    there = ~np.isnan(steady) & ~np.isnan(good)
    first, second = steady[there], good[there]
    if len(first) < 2 or not first.std() or not second.std():
        return float("nan")
    return float(np.mean((first - first.mean()) * (second - second.mean())) / (first.std() * second.std()))


def both_ranks(found: Spreads) -> tuple[Floats, Floats]:
    """Ranks by standard deviation, the lowest first, and by mean, the best first; NaN where there is none of either."""
    ranked = found.learned & ~np.isnan(found.stds)  # of one run there is no standard deviation
    stds, gains = (np.where(ranked, values, np.nan) for values in (found.stds, found.gains))
    return ranks(stds, highest_first=False), ranks(gains, highest_first=True)


def pooled_ratio(found: Spreads, number: int, reference: int) -> tuple[float, float, float]:
    """A method's standard deviation over another's: the geometric mean over the tasks that both have learned.

    Returns:
        The ratio, and the ends of its 95% interval (of normal samples the logarithm of a standard deviation of n runs
        has the variance 1 / 2(n - 1)); NaN where there is no task.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(found.stds[number] / found.stds[reference])
    there = np.isfinite(logarithms) & found.learned[number] & found.learned[reference]
    if not there.any():
        return (float("nan"),) * 3
    variances = (0.5 / (found.counts[[number, reference]][:, there] - 1)).sum(0)
    mean, margin = logarithms[there].mean(), 1.96 * np.sqrt(variances.sum()) / there.sum()
    return float(np.exp(mean)), float(np.exp(mean - margin)), float(np.exp(mean + margin))


def stability_table(found: Spreads | None, settings: ReportSettings) -> Table:
    """A row per method: mean and standard deviation of each task with their ranks up to the third, and their means."""
    if found is None:
        return Table("Stability", [], [], 1)
    steady, good = both_ranks(found)
    reference = value_text(str(settings.stability), settings.reference.get(str(settings.stability)))
    against = found.methods.index(reference) if reference in found.methods else None
    unknown = bool(np.isnan(found.shares).all())
    rows = []
    for row, method in enumerate(found.methods):
        columns = zip(found.means[row], good[row], found.stds[row], steady[row], found.learned[row], strict=True)
        cells = [_cell(*column) for column in columns]
        whole = f"{found.means[row].mean():.3f} ± {found.stds[row].mean():.3f}"
        ratio = [] if against is None else [_ratio(found, row, against)]
        tuned = [] if unknown else [f"{found.shares[row]:.2%}"]
        rows.append([method, *tuned, *cells, NONE if "nan" in whole else whole, *ratio])
    header = [str(settings.stability), *([] if unknown else ["tuned"]), *map(metric_label, found.metrics), "mean"]
    header += [] if against is None else [f"std / {found.methods[against]}'s"]
    notes = ["In brackets the ranks of means and of standard deviations (ddof 1) of a column."]
    if not np.isnan(rho := rank_correlation(found)):
        notes[0] += f" Spearman's rho of both: {rho:+.3f}"
        others = [rank_correlation(found.without(number)) for number in range(len(found.methods))]
        if not np.isnan(others).any():
            notes[0] += f" ({min(others):+.3f} to {max(others):+.3f} where one method is left out)"
        notes[0] += "."
    if not found.learned[~np.isnan(found.means)].all():
        notes.append(
            "=: within three standard deviations of what one answer to all rows gets, or below; such means have no "
            "rank and no part in the ratio."
        )
    if against is not None:
        notes.append("The ratio of standard deviations is its geometric mean over the columns, with its 95% interval.")
    return Table(f"Stability by {settings.stability}", header, rows, 1, notes)


def _cell(mean: float, above: float, std: float, below: float, learned: bool) -> str:
    """A mean and a standard deviation with their ranks."""
    if np.isnan(mean):
        return NONE
    spread = NONE if np.isnan(std) else f"{std:.3f}"
    return f"{'' if learned else '='}{mean:.3f}{_rank(above)} ± {spread}{_rank(below)}"


def _ratio(found: Spreads, row: int, against: int) -> str:
    ratio, low, high = pooled_ratio(found, row, against)
    if row == against or np.isnan(ratio):
        return NONE
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"


def _rank(value: float) -> str:
    return f" [{value:.0f}]" if value <= _PRINTED else ""
