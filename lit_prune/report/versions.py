"""Versions of the tasks' rows, as axes of runs that differ in them: their results are never averaged or compared."""

from collections.abc import Sequence
from dataclasses import replace

from lit_prune.report.run import Run


def add_versions(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with the further axis `<task> version` for each task of which they have several versions."""
    found: dict[str, set[int]] = {}
    for run in runs:
        for task, version in run.task_versions.items():
            found.setdefault(task, set()).add(version)
    several = {task for task, versions in found.items() if len(versions) > 1}
    return [replace(run, axes={**run.axes, **_axes(run, several)}) for run in runs]


def _axes(run: Run, tasks: set[str]) -> dict[str, int]:
    return {f"{task} version": version for task, version in run.task_versions.items() if task in tasks}
