"""Equal tuning effort: selection of the value of a tuned setting that did best on validation, per cell."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np

from lit_prune.display.table import NONE, Table
from lit_prune.errors import UserError
from lit_prune.report.cells import Cell, split_cells
from lit_prune.report.naming import value_text
from lit_prune.report.results import Floats, Results
from lit_prune.report.run import Run
from lit_prune.report.settings import ReportSettings, axis_names
from lit_prune.report.statistics import summarize
from lit_prune.report.tables import axis_texts, cell_axes


def select_tuned(results: Results, settings: ReportSettings) -> tuple[Results, list[Table]]:
    """Keep the runs with the best values of `settings.tuned`, drop these axes, and tabulate the scores of all values.

    The score of a value is the mean of the runs' validation metric (`selection`) over the seeds that all values share,
    so that reported sets have no influence and a few seeds can select the value for the remaining ones.

    Raises:
        UserError: No run was selected on `validation`.
    """
    tables = []
    for axis in axis_names(settings.tuned):
        results, table = _select(results, settings, axis)
        tables.append(table)
    return results, [table for table in tables if table.rows]


def _select(results: Results, settings: ReportSettings, axis: str) -> tuple[Results, Table]:
    """Select along one axis; a run without it is kept."""
    scores = _scores(results)
    axes = [name for name in cell_axes(results, settings) if name != axis]
    shown = [name not in axis_names(settings.tuned) for name in axes]  # rows have no other tuned axis
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in split_cells(results, settings.over):
        groups.setdefault(tuple(axis_texts(axes, cell.axes)), []).append(cell)
    kept: list[int] = []
    rows = []
    for names, cells in groups.items():
        means = _means(results, settings.over, scores, cells)
        best = int(np.argmax(np.nan_to_num(means, nan=-np.inf)))
        kept += cells[best].runs
        if len(cells) > 1 and not np.isnan(means).all():
            texts = [
                f"{value_text(axis, cell.axes.get(axis))}: {NONE if np.isnan(mean) else f'{mean:.3f}'}"
                for cell, mean in zip(cells, means, strict=True)
            ]
            rows.append([*compress(names, shown), value_text(axis, cells[best].axes.get(axis)), ", ".join(texts)])
    kept.sort()
    runs = tuple(_without(axis, results, number) for number in kept)
    chosen = replace(
        results, axes=tuple(name for name in results.axes if name != axis), runs=runs, values=results.values[kept]
    )
    notes = [
        f"Mean validation metric of selection over the {settings.over}s that all values share; the highest is shown."
    ]
    columns = [*compress(axes, shown), axis, "tried"]
    return chosen, Table(f"Tuned: {axis}", columns, rows, len(columns), notes)


def _means(results: Results, over: str, scores: Floats, cells: Sequence[Cell]) -> list[float]:
    """Return the mean score of each cell over the seeds that all cells with scores share."""
    by_seed = [
        {
            results.runs[number].axes.get(over): float(scores[number])
            for number in cell.runs
            if scores[number] == scores[number]
        }
        for cell in cells
    ]
    shared = set.intersection(*(set(each) for each in by_seed if each)) if any(by_seed) else set()
    return [_mean(np.array([each[seed] for seed in each if seed in shared or not shared])) for each in by_seed]


def _without(axis: str, results: Results, number: int) -> Run:
    run = results.runs[number]
    return replace(run, axes={name: value for name, value in run.axes.items() if name != axis})


def _scores(results: Results) -> Floats:
    """Return the validation metric that each run was selected by (runs,), NaN for incomplete runs."""
    scores = results.column("result", "selection")
    if np.isnan(scores).all() or not any(key.split == "validation" for key in results.keys):
        raise UserError("report.tuned must have runs selected on validation, got none: set data.validation_fraction")
    return scores


def _mean(values: Floats) -> float:
    found = summarize(values)
    return float("nan") if found is None else found.mean
