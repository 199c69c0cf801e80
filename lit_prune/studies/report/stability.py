"""How steady methods are beside how good they are: their means and standard deviations by task, with their ranks.

As Fu et al. 2023 have it (Tables 1 and 2, Fig. 4): a task's methods are ranked by their mean, the highest first, and by
their standard deviation over the runs, the lowest first; the correlation of both ranks is over all pairs of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lit_prune.studies.report.naming import metric_label, sign, value_text
from lit_prune.studies.report.results import Results
from lit_prune.studies.report.settings import ReportSettings
from lit_prune.studies.report.statistics import Floats, summarize
from lit_prune.studies.report.tables import NONE, Table

_PRINTED = 3  # ranks that the table tells


@dataclass(frozen=True)
class Spreads:
    """What methods reached.

    Attributes:
        methods: Their names.
        metrics: One of each task.
        means: (methods, metrics), NaN where there is no run.
        stds: Standard deviations over runs (ddof 1), (methods, metrics), NaN of fewer than two.
    """

    methods: Sequence[str]
    metrics: Sequence[str]
    means: Floats
    stds: Floats

    def without(self, number: int) -> "Spreads":
        """Those of the other methods."""
        kept = [each for each in range(len(self.methods)) if each != number]
        return Spreads([self.methods[each] for each in kept], self.metrics, self.means[kept], self.stds[kept])


def spreads(results: Results, settings: ReportSettings) -> Spreads | None:
    """Means and standard deviations of the methods of `settings.stability`; None: that names no axis."""
    axis = settings.stability
    if axis is None:
        return None
    methods = list(dict.fromkeys(run.axes[axis] for run in results.runs if axis in run.axes))
    figures = np.full((2, len(methods), len(settings.metrics)), np.nan)
    for row, method in enumerate(methods):
        runs = [run.axes.get(axis) == method for run in results.runs]
        for column, metric in enumerate(settings.metrics):
            if (found := summarize(results.column("result", metric)[runs])) is not None:
                figures[:, row, column] = found.mean, found.std
    return Spreads([value_text(axis, method) for method in methods], settings.metrics, figures[0], figures[1])


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
    """Ranks by standard deviation, the lowest first, and by mean, the best first."""
    gains = found.means * np.array([sign(metric) for metric in found.metrics])
    return ranks(found.stds, highest_first=False), ranks(gains, highest_first=True)


def pooled_ratio(found: Spreads, number: int, reference: int) -> float:
    """The geometric mean over tasks of a method's standard deviation over another's."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(found.stds[number] / found.stds[reference])
    there = logarithms[np.isfinite(logarithms)]
    return float(np.exp(there.mean())) if len(there) else float("nan")


def stability_table(found: Spreads | None, settings: ReportSettings) -> Table:
    """A row per method: mean and standard deviation of each task with their ranks up to the third, and their means."""
    if found is None:
        return Table("Stability", [], [], 1)
    steady, good = both_ranks(found)
    reference = settings.reference.get(str(settings.stability))
    against = None if reference is None else found.methods.index(value_text(str(settings.stability), reference))
    rows = []
    for row, method in enumerate(found.methods):
        cells = [
            NONE if np.isnan(mean) else f"{mean:.3f}{_rank(above)} ± {std:.3f}{_rank(below)}"
            for mean, above, std, below in zip(found.means[row], good[row], found.stds[row], steady[row], strict=True)
        ]
        whole = f"{found.means[row].mean():.3f} ± {found.stds[row].mean():.3f}"
        ratio = [] if against is None else [f"{pooled_ratio(found, row, against):.2f}"]
        rows.append([method, *cells, NONE if "nan" in whole else whole, *ratio])
    header = [str(settings.stability), *map(metric_label, found.metrics), "mean"]
    header += [] if against is None else [f"std / {found.methods[against]}'s"]
    notes = [
        "In brackets the ranks of means and of standard deviations (ddof 1) of a column. "
        f"Spearman's rho of both: {rank_correlation(found):+.3f}"
    ]
    if len(found.methods) > 2:
        others = [rank_correlation(found.without(number)) for number in range(len(found.methods))]
        notes[0] += f" ({min(others):+.3f} to {max(others):+.3f} where one method is left out)."
    if against is not None:
        notes.append("The ratio of standard deviations is its geometric mean over the columns.")
    return Table(f"Stability by {settings.stability}", header, rows, 1, notes)


def _rank(value: float) -> str:
    return f" [{value:.0f}]" if value <= _PRINTED else ""
