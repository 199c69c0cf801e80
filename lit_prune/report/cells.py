"""Cells of a study: groups of runs that differ only in the averaged axis, and the reference of each run."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lit_prune.report.results import Results
from lit_prune.report.run import PLANNED, Value
from lit_prune.report.selection import select


@dataclass(frozen=True)
class Cell:
    """Runs that share all axes but one.

    Attributes:
        axes: The shared axes.
        runs: Indices of the runs among the results, complete or not.
    """

    axes: Mapping[str, Value]
    runs: tuple[int, ...]


def split_cells(results: Results, over: str) -> list[Cell]:
    """Group runs by all axes but one, in the order of the results.

    Args:
        results: The runs.
        over: The axis that is averaged over.
    """
    found: dict[tuple[tuple[str, Value], ...], list[int]] = {}
    for number, run in enumerate(results.runs):
        key = tuple(item for item in run.axes.items() if item[0] != over)
        found.setdefault(key, []).append(number)
    return [Cell(dict(key), tuple(runs)) for key, runs in found.items()]


def begun_cells(results: Results, over: str) -> list[Cell]:
    """Return the cells in which a run has begun or was skipped."""
    return [
        cell
        for cell in split_cells(results, over)
        if any(results.runs[number].status != PLANNED for number in cell.runs)
    ]


def final_cells(results: Results, over: str) -> list[Cell]:
    """Return the cells with a complete run, without those of rounds of iterative pruning."""
    cells = [
        Cell(cell.axes, tuple(number for number in cell.runs if not results.runs[number].files))
        for cell in split_cells(results, over)
    ]
    return [cell for cell in cells if any(results.runs[number].status == "completed" for number in cell.runs)]


def completion_text(results: Results, cell: Cell) -> str:
    """Return the number of complete runs in a cell, and the states of the remaining ones: `3 of 4 (1 failed)`."""
    states = Counter(results.runs[number].status for number in cell.runs)
    complete = states.pop("completed", 0)
    incomplete = ", ".join(f"{number} {status}" for status, number in sorted(states.items()))
    return f"{complete} of {len(cell.runs)} ({incomplete})" if incomplete else str(complete)


def find_references(results: Results, reference: Mapping[str, Any]) -> dict[int, int]:
    """Return the index of the reference run of each run, which has equal values on all further axes that it has.

    A reference without an axis, such as a dense run without sparsity, is the reference of all runs along that axis. If
    several runs qualify, the one that shares the most axes is the reference. A run is not its own reference, unless
    `reference` names another model of it.
    """
    candidates: dict[tuple[str, ...], dict[tuple[Value, ...], int]] = {}
    for number in select(results, reference).nonzero()[0].tolist():
        axes = {axis: value for axis, value in results.runs[number].axes.items() if axis not in reference}
        candidates.setdefault(tuple(axes), {}).setdefault(tuple(axes.values()), number)
    references = {}
    for number, run in enumerate(results.runs):
        for shared in sorted(candidates, key=lambda axes: -len(axes)):
            values = tuple(run.axes.get(axis) for axis in shared)
            found = candidates[shared].get(values)  # type: ignore[arg-type]  # a missing axis finds nothing
            if found is not None:
                if found != number or reference.get("model", "result") != "result":
                    references[number] = found
                break
    return references
