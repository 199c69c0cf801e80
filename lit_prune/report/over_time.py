"""Figure of a metric over the seconds of training, a line per setting, with the value to reach."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lit_prune.display.style import COLUMN, colors_of, drawing, save
from lit_prune.report.naming import column_title, display_factor, unit_label
from lit_prune.report.reached import Arm
from lit_prune.report.settings import ReachedSettings
from lit_prune.report.tables import cell_label
from lit_prune.runs.evaluations import at_final_sparsity

_MARKERS = "osD^vP*X"


def draw_over_time(
    arms: Sequence[Arm], reached: ReachedSettings, axes: Sequence[str], over: str, path: Path
) -> dict[str, str]:
    """Draw the mean of the metric over the mean seconds at each evaluation, with a point where the sparsity is final.

    Args:
        arms: The evaluations; those without recorded seconds are left out.
        reached: The metric and its value.
        axes: Axes that identify a setting.
        over: The axis that is averaged over.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption by the figure's name, empty if there is nothing to draw.
    """
    timed = [arm for arm in arms if all(each.seconds is not None for run in arm.runs for each in run)]
    if not timed:
        return {}
    varied = [axis for axis in axes if len({arm.cell.axes.get(axis) for arm in timed}) > 1]
    labels = [cell_label(varied or axes, arm.cell.axes) for arm in timed]
    colors = list(colors_of(map(str, range(len(timed)))).values())
    with drawing():
        canvas = Figure(figsize=(COLUMN, 3.2 + 0.2 * len(timed)), dpi=200, layout="constrained")
        panel = canvas.subplots()
        for number, (arm, label) in enumerate(zip(timed, labels, strict=True)):
            marker = _MARKERS[number % len(_MARKERS)]
            _draw(panel, arm, reached.metric, label=label, color=colors[number], marker=marker)
        level = display_factor(reached.metric) * reached.threshold
        panel.axhline(level, color="0.35", linestyle=(0, (5, 2)), linewidth=1.2, zorder=1)
        panel.set_title(column_title(reached.metric), loc="left")
        panel.set(xlabel="seconds of training", ylabel=unit_label(reached.metric), xlim=(0, None))
        canvas.legend(loc="outside upper left", frameon=False, borderaxespad=0.0)
        save(canvas, path)
    caption = (
        f"{column_title(reached.metric)} over the seconds of training: means over {over}s at each evaluation, with a "
        f"point where the sparsity is final. Dashed: {reached.threshold:g}."
    )
    return {path.stem: caption}


def _draw(panel: Axes, arm: Arm, metric: str, **style: Any) -> None:
    """Draw a setting up to the last evaluation that all its runs have."""
    num = min(map(len, arm.runs))
    seconds = np.array([[each.seconds for each in run[:num]] for run in arm.runs], dtype=float).mean(axis=0)
    values = display_factor(metric) * np.array([[each.metrics[metric] for each in run[:num]] for run in arm.runs])
    phase = [each for each in arm.runs[0] if each.phase == arm.runs[0][-1].phase]
    final = {each.step for each in at_final_sparsity(phase)}
    marked = [number for number, each in enumerate(arm.runs[0][:num]) if each.step in final]
    panel.plot(seconds, values.mean(axis=0), linewidth=1.6, markersize=5, markevery=marked, **style)
