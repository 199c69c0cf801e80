"""The Pareto frontier of a study's settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lit_prune.display.table import Table
from lit_prune.errors import UserError
from lit_prune.report.cells import split_cells
from lit_prune.report.frontier import non_dominated
from lit_prune.report.naming import metric_label
from lit_prune.report.results import Results
from lit_prune.report.run import Value
from lit_prune.report.settings import Direction
from lit_prune.report.statistics import Floats
from lit_prune.report.tables import axis_texts


@dataclass(frozen=True)
class Tradeoff:
    """Settings and their mean values of several objectives.

    Attributes:
        goals: The numbers to optimise, and their directions.
        axes: Axes of each setting, without the averaged one.
        nums: Number of runs of each setting (settings,).
        values: Means over these runs (settings, numbers).
        left_out: Number of complete runs without one of the numbers.
    """

    goals: Mapping[str, Direction]
    axes: list[Mapping[str, Value]]
    nums: list[int]
    values: Floats
    left_out: int

    @property
    def frontier(self) -> NDArray[np.intp]:
        """Indices of settings that no other dominates, sorted by the first number, best first."""
        costs = self.values * [-1 if end == "max" else 1 for end in self.goals.values()]
        found = np.flatnonzero(non_dominated(costs))
        return found[np.lexsort(costs[found].T[::-1])]


def weigh(results: Results, goals: Mapping[str, Direction], over: str) -> Tradeoff:
    """Average the numbers of each setting over the runs that have all of them.

    Args:
        results: The runs.
        goals: The numbers to optimise, and their directions.
        over: The axis that is averaged over.

    Raises:
        UserError: No run has all numbers.
    """
    columns = np.stack([results.column("result", name) for name in goals], axis=1)
    has_all = np.isfinite(columns).sum(axis=1) == len(goals)
    axes, nums, values = [], [], []
    for cell in split_cells(results, over):
        runs = [number for number in cell.runs if has_all[number]]
        if runs:
            axes.append(cell.axes)
            nums.append(len(runs))
            values.append(columns[runs].mean(axis=0))
    if not axes:
        raise UserError(f"pareto must be numbers of one complete run, got {', '.join(goals)}: name fewer")
    complete = sum(run.status == "completed" for run in results.runs)
    return Tradeoff(goals, axes, nums, np.stack(values), complete - int(has_all.sum()))


def pareto_table(found: Tradeoff, axes: Sequence[str], over: str) -> Table:
    """Return a table of the settings that no other dominates.

    Args:
        found: The settings.
        axes: Axes that identify a setting.
        over: The axis that is averaged over.
    """
    rows = [
        [*axis_texts(axes, found.axes[place]), str(found.nums[place]), *map(_text, found.values[place])]
        for place in found.frontier.tolist()
    ]
    goals = [f"{metric_label(name)} ({end})" for name, end in found.goals.items()]
    num = len(found.axes)
    notes = [
        f"Means over {over}s. {num - len(rows)} of {num} settings are dominated and not listed: another is at least as "
        "good by every number and better by one."
    ]
    if found.left_out:
        notes.append(f"{found.left_out} complete runs without one of the numbers are left out.")
    return Table("Settings that no other dominates", [*axes, f"{over}s", *goals], rows, len(axes), notes)


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
