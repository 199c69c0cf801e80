"""Runs of one task each as a row of all tasks (Xia & Shin 2021, Table 2: nine single-task models are one row)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lit_prune.errors import UserError
from lit_prune.report.cells import Cell, split_cells
from lit_prune.report.results import Floats, Key, Results
from lit_prune.report.run import Run
from lit_prune.report.settings import MEAN, ReportSettings

_STORED = ("stored_density", "mask_bits")  # numbers of which several models have their sum


def gather(results: Results, settings: ReportSettings) -> Results:
    """One run in the place of all that differ in `settings.gather` alone, without that axis.

    It has every number that one of its runs has, and of a number that several have (`parameter_density`) the mean; of
    what models store (`stored_density`, `mask_bits`) the sum, once all of its runs are there. It counts as complete
    where any of its runs is. Where all of the report's metrics are there, it has a further number `mean`, their plain
    mean; so has a run that knew all tasks from the start.

    Args:
        results: The runs.
        settings: Names the axis, and a metric of each task.

    Raises:
        UserError: runs that would be one both have one of the metrics.
    """
    axis = settings.gather
    if axis is None:
        return results
    metrics = [name for name in settings.metrics if Key.of("result", name).split]
    cells = split_cells(results, axis)
    for cell in cells:
        _check_tasks(results, cell, axis, metrics)
    gathered = Results(
        axes=tuple(name for name in results.axes if name != axis),
        runs=tuple(replace(_first(results, cell), axes=cell.axes) for cell in cells),
        keys=results.keys,
        values=np.stack([_merge(results, cell) for cell in cells]),
    )
    models = list(dict.fromkeys(key.model for key in results.keys))
    means = [np.mean([gathered.column(model, name) for name in metrics], axis=0) for model in models]
    return replace(
        gathered,
        keys=(*gathered.keys, *(Key(model, "", "", MEAN) for model in models)),
        values=np.column_stack([gathered.values, *means]),
    )


def _check_tasks(results: Results, cell: Cell, axis: str, metrics: Sequence[str]) -> None:
    for name in metrics:
        column = results.column("result", name)
        having = [results.runs[number].name for number in cell.runs if not np.isnan(column[number])]
        if len(having) > 1:
            raise UserError(
                f"report.gather is {axis!r}, but {having[0]} and {having[1]}, which differ in it alone, both have "
                f"{name}: gather an axis whose values are tasks, one for each run"
            )


def _first(results: Results, cell: Cell) -> Run:
    """The first complete run, or the first."""
    runs = [results.runs[number] for number in cell.runs]
    return next((run for run in runs if run.status == "completed"), runs[0])


def _merge(results: Results, cell: Cell) -> Floats:
    """Return a cell's numbers: the mean over the runs that have one, or the sum over all runs of what is stored."""
    values = results.values[list(cell.runs)]
    nums = (~np.isnan(values)).sum(axis=0)
    means = np.nansum(values, axis=0) / np.where(nums, nums, np.nan)
    merged: Floats = np.where([key.name in _STORED for key in results.keys], values.sum(axis=0), means)
    return merged
