"""Steps, seconds and memory until the runs of each setting reach a value of a metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lit_prune.display.table import NONE, Table
from lit_prune.report.cells import Cell, final_cells
from lit_prune.report.naming import column_title, sign
from lit_prune.report.results import Results
from lit_prune.report.run import run_evaluations
from lit_prune.report.selection import select
from lit_prune.report.settings import ReachedSettings
from lit_prune.report.statistics import Floats, summarize
from lit_prune.report.tables import axis_texts
from lit_prune.runs.evaluations import Evaluation, at_final_sparsity

GIGABYTE = 1e9


@dataclass(frozen=True)
class Arm:
    """The evaluations of a setting's complete runs that have the metric, in the order of the steps.

    Attributes:
        cell: The setting.
        runs: The evaluations of each run, at all sparsities.
    """

    cell: Cell
    runs: tuple[tuple[Evaluation, ...], ...]


def read_arms(results: Results, reached: ReachedSettings, over: str) -> list[Arm]:
    """Read the evaluations of the runs, by setting.

    Args:
        results: The runs.
        reached: The metric, and the runs to read.
        over: The axis that is averaged over.
    """
    selected = select(results, reached.where)
    arms = []
    for cell in final_cells(results, over):
        runs = [results.runs[number] for number in cell.runs if selected[number]]
        found = [run_evaluations(run.folder) for run in runs if run.status == "completed"]
        kept = (tuple(each for each in evaluations if reached.metric in each.metrics) for evaluations in found)
        if has_metric := tuple(each for each in kept if each):
            arms.append(Arm(cell, has_metric))
    return arms


def first_reached(evaluations: Sequence[Evaluation], reached: ReachedSettings) -> Evaluation | None:
    """Return the first evaluation of the final phase and sparsity at which the metric is reached, None if none is."""
    final = [each for each in evaluations if each.phase == evaluations[-1].phase]
    end = sign(reached.metric)
    return next(
        (each for each in at_final_sparsity(final) if end * each.metrics[reached.metric] >= end * reached.threshold),
        None,
    )


def reached_table(arms: Sequence[Arm], reached: ReachedSettings, axes: Sequence[str], over: str) -> Table:
    """Return a table with a row per setting: the runs that reach the value, and their mean costs until then.

    Args:
        arms: The evaluations.
        reached: The metric and its value.
        axes: Axes that identify a setting.
        over: The axis that is averaged over.
    """
    rows = []
    for arm in arms:
        found = [each for run in arm.runs if (each := first_reached(run, reached)) is not None]
        costs = [
            _mean([each.step for each in found], "{:,.0f}"),
            _mean([each.seconds for each in found], "{:,.0f}"),
            _mean([None if each.peak_memory is None else each.peak_memory / GIGABYTE for each in found], "{:.2f}"),
        ]
        rows.append([*axis_texts(axes, arm.cell.axes), f"{len(found)} of {len(arm.runs)}", *costs])
    header = [*axes, "reached", "optimizer steps", "seconds", "peak memory (GB)"]
    notes = [
        f"Means over the {over}s that reach the value, from the start of the run to the first evaluation at the final "
        "sparsity that does, selected or not."
    ]
    title = f"Cost to reach {column_title(reached.metric)} of {reached.threshold:g}: {reached.name}"
    return Table(title, header, rows, len(axes), notes)


def _mean(values: Sequence[float | None], form: str) -> str:
    known: Floats = np.array([np.nan if value is None else value for value in values], dtype=float)
    found = summarize(known)
    return NONE if found is None else form.format(found.mean)
