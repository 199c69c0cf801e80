"""Comparisons within a study: paired differences from a reference, and ranks of methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lit_prune.report.cells import Cell, find_references, split_cells
from lit_prune.report.naming import higher_is_better
from lit_prune.report.results import Key, Results
from lit_prune.report.rows import Rows, read_rows, row_statistic
from lit_prune.report.run import Value
from lit_prune.report.selection import select
from lit_prune.report.settings import ReportSettings
from lit_prune.report.statistics import (
    Floats,
    RowStatistic,
    join_intervals,
    mean_ranks,
    percentile_interval,
    resample_rows,
    seeds_interval,
)


@dataclass(frozen=True)
class Difference:
    """The mean difference between a cell's results and its reference.

    Attributes:
        cell: The cell.
        metric: `<task>/<split>/<metric>`.
        values: Cell minus reference, or minus a fraction of it, of each pair of runs.
        interval: Interval of the mean, None for one seed without rows.
        over: Units that the interval generalises over: `seeds`, `rows`, or `seeds and rows`.
    """

    cell: Cell
    metric: str
    values: tuple[float, ...]
    interval: tuple[float, float] | None
    over: str

    @property
    def mean(self) -> float:
        """Mean over the pairs."""
        return float(np.mean(self.values))

    @property
    def num(self) -> int:
        """Number of pairs."""
        return len(self.values)


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of methods by one metric, with all further axes fixed.

    Attributes:
        axes: The fixed axes.
        metric: `<task>/<split>/<metric>`.
        methods: The methods.
        ranks: Mean rank of each method.
        num: Number of seeds that have every method.
    """

    axes: dict[str, Value]
    metric: str
    methods: tuple[Value, ...]
    ranks: tuple[float, ...]
    num: int


def compare(
    results: Results,
    over: str,
    metrics: Sequence[str],
    reference: Mapping[str, Any],
    where: Mapping[str, Any] | None = None,
    share: float = 1.0,
) -> list[Difference]:
    """Return paired differences of every cell that has a reference, for every metric.

    Args:
        results: The runs.
        over: The axis that is averaged over.
        metrics: The metrics.
        reference: Axes and values (or `model`) of the runs to subtract, further axes equal. Empty: no comparison.
        where: Axes and values (or `model`) of the runs to subtract from, None for the result of every run.
        share: Factor of the reference.
    """
    if not reference:
        return []
    where = where or {}
    references, selected = find_references(results, reference), select(results, where)
    models = str(where.get("model", "result")), str(reference.get("model", "result"))
    found = []
    for cell in split_cells(results, over):
        pairs = [(number, references[number]) for number in cell.runs if number in references and selected[number]]
        for metric in metrics:
            difference = _difference(results, cell, metric, models, pairs, share)
            if difference is not None:
                found.append(difference)
    return found


def _difference(
    results: Results,
    cell: Cell,
    metric: str,
    models: tuple[str, str],
    pairs: Sequence[tuple[int, int]],
    share: float,
) -> Difference | None:
    ours, theirs = (results.column(model, metric) for model in models)
    pairs = [(first, second) for first, second in pairs if not np.isnan(ours[first] - theirs[second])]
    if not pairs:
        return None
    differences = np.array([ours[first] - share * theirs[second] for first, second in pairs])
    sides = [
        ((first, Key.of(models[0], metric), ours[first]), (second, Key.of(models[1], metric), theirs[second]))
        for first, second in pairs
    ]
    row_statistics = _row_statistics(results, sides, share)
    over_seeds = seeds_interval(differences) if len(pairs) > 1 else None
    over_rows = None if row_statistics is None else percentile_interval(resample_rows(*row_statistics))
    values = tuple(differences.tolist())
    if over_seeds and over_rows:
        joint = join_intervals(float(differences.mean()), over_seeds, over_rows)
        return Difference(cell, metric, values, joint, "seeds and rows")
    return Difference(cell, metric, values, over_seeds or over_rows, "rows" if over_rows else "seeds")


_Side = tuple[int, Key, float]  # run, metric, recorded value


def _row_statistics(
    results: Results, sides: Sequence[tuple[_Side, _Side]], share: float
) -> tuple[list[tuple[RowStatistic, RowStatistic]], int] | None:
    """Return the statistics of every pair and the number of rows, None unless all have predictions of equal rows."""
    first: Rows | None = None
    pairs: list[tuple[RowStatistic, RowStatistic]] = []
    for pair in sides:
        statistics = []
        for number, key, recorded in pair:
            rows = read_rows(results.runs[number], key)
            first = first or rows
            if rows is None or first is None or not rows.has_same_rows(first):
                return None
            statistic = row_statistic(rows, key.metric, recorded)
            if statistic is None:
                return None
            statistics.append(statistic)
        pairs.append((statistics[0], partial(_times, share, statistics[1])))
    assert first is not None  # sides is not empty
    return pairs, len(first.ids)


def _times(share: float, statistic: RowStatistic, weights: Floats) -> Floats:
    return share * statistic(weights)


def rank(results: Results, settings: ReportSettings) -> list[Ranks]:
    """Rank the values of `settings.rank` by every metric with a direction, for all values of the further axes."""
    if settings.rank is None:
        return []
    places: dict[tuple[tuple[str, Value], ...], dict[tuple[Value | None, Value], int]] = {}
    for number, run in enumerate(results.runs):
        if settings.rank in run.axes:
            rest = tuple(item for item in run.axes.items() if item[0] not in (settings.rank, settings.over))
            places.setdefault(rest, {})[run.axes.get(settings.over), run.axes[settings.rank]] = number
    found = []
    for metric in settings.metrics:
        better = higher_is_better(metric)
        if better is None:
            continue
        column = results.column("result", metric)
        for rest, numbers in places.items():
            seeds = list(dict.fromkeys(seed for seed, _ in numbers))
            methods = tuple(dict.fromkeys(method for _, method in numbers))
            if len(methods) < 2:
                continue
            values = [
                [column[n] if (n := numbers.get((seed, each))) is not None else np.nan for each in methods]
                for seed in seeds
            ]
            ranks, num = mean_ranks(np.array(values), better)
            found.append(Ranks(dict(rest), metric, methods, tuple(map(float, ranks)), num))
    return found
