"""Single-task runs merged into one row of all tasks (Xia & Shin 2021, Table 2)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lit_prune.errors import UserError
from lit_prune.report.cells import Cell, split_cells
from lit_prune.report.results import Floats, Key, Results
from lit_prune.report.run import Run
from lit_prune.report.settings import MEAN, ReportSettings

_STORED = ("stored_density", "mask_bits")  # summed over models, not averaged


def gather(results: Results, settings: ReportSettings) -> Results:
    """Merge runs that differ only in `settings.gather` into one run without that axis.

    The merged run has all numbers of its runs: the mean of a number that several runs have, but the sum of
    `stored_density` and `mask_bits`, once all runs have it. It counts as complete if any of its runs is. A merged run,
    or a multitask run, that has all metrics of the report has a further number `mean`, their plain mean.

    Args:
        results: The runs.
        settings: Settings with the axis, and a metric of each task.

    Raises:
        UserError: Two runs to merge have the same metric.
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
        names = [results.runs[number].name for number in cell.runs if not np.isnan(column[number])]
        if len(names) > 1:
            raise UserError(
                f"report.gather must be an axis of tasks, got {axis!r}: {names[0]} and {names[1]} both have "
                f"{name}, choose the axis along which runs have different tasks"
            )


def _first(results: Results, cell: Cell) -> Run:
    """Return the first complete run of a cell, or its first run."""
    runs = [results.runs[number] for number in cell.runs]
    return next((run for run in runs if run.status == "completed"), runs[0])


def _merge(results: Results, cell: Cell) -> Floats:
    """Return a cell's numbers: the mean over the runs that have a number, the sum over all runs for stored sizes."""
    values = results.values[list(cell.runs)]
    nums = (~np.isnan(values)).sum(axis=0)
    means = np.nansum(values, axis=0) / np.where(nums, nums, np.nan)
    merged: Floats = np.where([key.name in _STORED for key in results.keys], values.sum(axis=0), means)
    return merged
