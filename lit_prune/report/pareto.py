"""Which settings of a study no other dominates in the numbers that a report weighs against each other."""

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
    """Settings by the numbers that are weighed against each other.

    Attributes:
        goals: The numbers, and which end of each is better.
        axes: Each setting's axes, without the averaged one.
        nums: How many runs each is the mean of (settings,).
        values: Their means (settings, numbers).
        left_out: How many complete runs lack one of the numbers.
    """

    goals: Mapping[str, Direction]
    axes: list[Mapping[str, Value]]
    nums: list[int]
    values: Floats
    left_out: int

    @property
    def frontier(self) -> NDArray[np.intp]:
        """The settings that no other dominates, the best by the first number first."""
        costs = self.values * [-1 if end == "max" else 1 for end in self.goals.values()]
        found = np.flatnonzero(non_dominated(costs))
        return found[np.lexsort(costs[found].T[::-1])]


def weigh(results: Results, goals: Mapping[str, Direction], over: str) -> Tradeoff:
    """The means of the numbers over the runs of each setting that have all of them.

    Args:
        results: The runs.
        goals: The numbers.
        over: The axis that is averaged over.

    Raises:
        UserError: no run has all of them.
    """
    columns = np.stack([results.column("result", name) for name in goals], axis=1)
    there = np.isfinite(columns).sum(axis=1) == len(goals)
    axes, nums, values = [], [], []
    for cell in split_cells(results, over):
        runs = [number for number in cell.runs if there[number]]
        if runs:
            axes.append(cell.axes)
            nums.append(len(runs))
            values.append(columns[runs].mean(axis=0))
    if not axes:
        raise UserError(f"no complete run has all of {', '.join(goals)}: take fewer for `pareto`")
    complete = sum(run.status == "completed" for run in results.runs)
    return Tradeoff(goals, axes, nums, np.stack(values), complete - int(there.sum()))


def pareto_table(found: Tradeoff, axes: Sequence[str], over: str) -> Table:
    """A row per setting that no other dominates.

    Args:
        found: The settings.
        axes: Those that name a setting.
        over: The axis that is averaged over.
    """
    rows = [
        [*axis_texts(axes, found.axes[place]), str(found.nums[place]), *map(_text, found.values[place])]
        for place in found.frontier.tolist()
    ]
    goals = [f"{metric_label(name)} ({end})" for name, end in found.goals.items()]
    num = len(found.axes)
    notes = [
        f"Means over {over}s. Of {num} settings {num - len(rows)} are dominated, which are not listed: another is at "
        "least as good by every number and better by one."
    ]
    if found.left_out:
        notes.append(f"{found.left_out} complete runs are left out, which lack one of the numbers.")
    return Table("Settings that no other dominates", [*axes, f"{over}s", *goals], rows, len(axes), notes)


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
