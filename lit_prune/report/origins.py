"""Provenance of a report: missing runs, versions and hardware, and costs."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lit_prune.display.markup import Bold
from lit_prune.display.table import NONE, Table
from lit_prune.report.cells import begun_cells
from lit_prune.report.results import Results
from lit_prune.report.run import PLANNED
from lit_prune.report.settings import ReportSettings
from lit_prune.report.statistics import summarize
from lit_prune.report.tables import axis_texts, cell_axes


def status_line(results: Results) -> str:
    """Return a line such as `11 of 12 runs are complete; 1 failed.`."""
    runs = {run.folder: run.status for run in results.runs}  # rounds of a run share its folder
    states = Counter(runs.values())
    complete = states.pop("completed", 0)
    incomplete = "".join(f"; {number} {status}" for status, number in sorted(states.items()))
    return f"{complete} of {len(runs)} {'runs are' if len(runs) > 1 else 'run is'} complete{incomplete}."


def version_warnings(results: Results) -> list[str]:
    """Return warnings if the complete runs have different commits or versions."""
    complete = [run for run in results.runs if run.status == "completed"]
    return [
        *_several("commit", (run.commit for run in complete)),
        *_several("version of lit_prune", (run.lit_prune for run in complete)),
    ]


def _several(kind: str, values: Iterable[str | None]) -> list[str]:
    found = Counter(value or "unknown" for value in values)
    if len(found) < 2:
        return []
    counts = ", ".join(f"{_short(value)} ({number} runs)" for value, number in sorted(found.items()))
    return [Bold(f"More than one {kind} in these tables: {counts}.")]


def missing_table(results: Results) -> Table:
    """Return a table of runs that have begun or were skipped and are incomplete, with their errors."""
    axes = [axis for axis in results.axes if axis != "name"]
    rows = [
        [run.name, *axis_texts(axes, run.axes), run.status, " ".join((run.error or NONE).split())]
        for run in results.runs
        if run.status not in ("completed", PLANNED)
    ]
    return Table("Runs that are not complete", ["run", *axes, "status", "error"], rows, len(axes) + 3)


def planned_table(results: Results, settings: ReportSettings) -> Table:
    """Return a table with the numbers of runs that have not begun."""
    axes = cell_axes(results, settings)
    planned = Counter(tuple(axis_texts(axes, run.axes)) for run in results.runs if run.status == PLANNED)
    rows = [[*place, str(number)] for place, number in planned.items()]
    return Table("Runs that have not begun", [*axes, f"{settings.over}s"], rows, len(axes))


def origins_table(results: Results) -> Table:
    """Return a table of tasks, commits, versions and hardware of the complete runs, with their number and hours."""
    made: dict[tuple[str, ...], dict[Path, float]] = {}
    for run in results.runs:
        if run.status == "completed":
            versions = ", ".join(f"{task} {number}" for task, number in run.task_versions.items()) or NONE
            origin = (versions, _short(run.commit or "unknown"), run.lit_prune or "unknown", run.hardware or "unknown")
            made.setdefault(origin, {})[run.folder] = run.seconds or 0.0  # rounds of a run share its folder
    rows = [[*origin, str(len(runs)), f"{sum(runs.values()) / 3600:.2f}"] for origin, runs in sorted(made.items())]
    header = ["task versions", "commit", "lit_prune", "hardware", "runs", "hours"]
    return Table("How the runs were made", header, rows, 4)


def costs_table(results: Results, settings: ReportSettings) -> Table:
    """Return a table of mean sparsity, optimizer steps, seconds and peak memory of each cell's complete runs."""
    axes = cell_axes(results, settings)
    complete = [run if run.status == "completed" else None for run in results.runs]
    seconds = np.array([np.nan if run is None or run.seconds is None else run.seconds for run in complete])
    memory = np.array([np.nan if run is None or run.peak_memory is None else run.peak_memory for run in complete])
    figures = {
        "sparsity reached": (results.column("result", "sparsity"), "{:.2%}"),
        "optimizer steps": (results.column("result", "steps"), "{:,.0f}"),
        "seconds": (seconds, "{:,.0f}"),
        "peak memory (GB)": (memory / 1e9, "{:.2f}"),
    }
    rows = []
    for cell in begun_cells(results, settings.over):
        found = [(summarize(column[list(cell.runs)]), form) for column, form in figures.values()]
        texts = [NONE if each is None else form.format(each.mean) for each, form in found]
        rows.append([*axis_texts(axes, cell.axes), *texts])
    notes = [f"Means over the complete {settings.over}s, without the runs that they start from."]
    return Table("Cost of a run", [*axes, *figures], rows, len(axes), notes)


def _short(commit: str) -> str:
    return commit[:10] + "+" * (commit.endswith("+") and len(commit) > 10)
