"""Cells of a study: runs that differ in the averaged axis alone; and which run another is compared with."""

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
        runs: Indices of its runs among the results, complete or not.
    """

    axes: Mapping[str, Value]
    runs: tuple[int, ...]


def split_cells(results: Results, over: str) -> list[Cell]:
    """The cells, in the order of the results.

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
    """Those of which a run has begun, or had to be left out."""
    return [
        cell
        for cell in split_cells(results, over)
        if any(results.runs[number].status != PLANNED for number in cell.runs)
    ]


def seeds_there(results: Results, cell: Cell) -> str:
    """How many of a cell's runs are complete, and what became of the others: `3 of 4 (1 failed)`."""
    states = Counter(results.runs[number].status for number in cell.runs)
    complete = states.pop("completed", 0)
    others = ", ".join(f"{number} {status}" for status, number in sorted(states.items()))
    return f"{complete} of {len(cell.runs)} ({others})" if others else str(complete)


def partners(results: Results, reference: Mapping[str, Any]) -> dict[int, int]:
    """For each run the one that it is compared with: the reference's, equal on every other axis that one has.

    A reference without an axis, such as a dense run without sparsity, is compared with all runs along that axis. Of
    several the one that shares the most axes is taken. A run that is its own reference is left out, unless the
    reference is another model of it.
    """
    others: dict[tuple[str, ...], dict[tuple[Value, ...], int]] = {}
    for number in select(results, reference).nonzero()[0].tolist():
        axes = {axis: value for axis, value in results.runs[number].axes.items() if axis not in reference}
        others.setdefault(tuple(axes), {}).setdefault(tuple(axes.values()), number)
    found = {}
    for number, run in enumerate(results.runs):
        for shared in sorted(others, key=lambda axes: -len(axes)):
            place = tuple(run.axes.get(axis) for axis in shared)
            partner = others[shared].get(place)  # type: ignore[arg-type]  # a missing axis finds nothing
            if partner is not None:
                if partner != number or reference.get("model", "result") != "result":
                    found[number] = partner
                break
    return found
