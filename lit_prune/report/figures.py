"""Figures of a study: metrics along an axis, one panel each, with a band over the seeds and the reference's level."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from lit_prune.display.style import FONTS, PANEL, STYLE, colors_of, num_columns, save
from lit_prune.errors import UserError
from lit_prune.report.naming import (
    axis_label,
    higher_is_better,
    in_percent,
    metric_label,
    unit_label,
    value_text,
)
from lit_prune.report.results import Results
from lit_prune.report.selection import select
from lit_prune.report.settings import FigureSettings
from lit_prune.report.statistics import Floats

NEAR = 0.95  # of the reference, drawn beside it (Liu et al. 2022, Fig. 2)
_BANDS: dict[str, tuple[Any, str]] = {
    "minmax": (("pi", 100), "from the lowest to the highest value"),
    "std": ("sd", "one standard deviation (ddof 1) to either side"),
}
_HANDLE, _LETTER = 0.6, 0.085  # of a legend: a line's width with the space around it, a letter's
_DASHED, _DOTTED = (0, (5, 2)), (0, (1, 1.5))


def draw(results: Results, figure: FigureSettings, over: str, path: Path) -> str:
    """Draw a figure.

    Args:
        results: The runs.
        figure: What to draw.
        over: The axis that is averaged over.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.

    Raises:
        UserError: no run has a place on the figure, its x is not a number, or an axis would be mixed within a line.
    """
    points = _points(results, figure, over)
    levels = _levels(results, figure)
    colors = colors_of(dict.fromkeys(points["line"]))
    columns = num_columns(len(figure.metrics))
    rows = -(-len(figure.metrics) // columns)
    size = (PANEL[0] * columns, PANEL[1] * rows + 0.4)
    with sns.plotting_context("paper", rc=FONTS), sns.axes_style("ticks", STYLE | {"axes.grid": True}):
        canvas = Figure(figsize=size, dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
        panels: list[Axes] = list(canvas.subplots(rows, columns, squeeze=False).flat)
        for panel, metric in zip(panels, figure.metrics, strict=False):
            _draw_lines(panel, points.assign(y=_shown(results, figure.where, metric)[points.index]), figure, colors)
            _draw_levels(
                panel, levels.assign(y=_shown(results, figure.reference, metric)[levels.index]), metric, colors
            )
            label = _y_label(metric) if figure.statistic == "mean" else f"standard deviation of {unit_label(metric)}"
            panel.set(title=metric_label(metric), xlabel=axis_label(figure.x), ylabel=label)
        for panel in panels[len(figure.metrics) :]:
            panel.remove()
        handles = [*_legend(panels[0]), *_level_legend(figure, bool(len(levels)))]
        if handles:
            widest = max(len(str(handle.get_label())) for handle in handles)
            fitting = max(1, int(size[0] / (_HANDLE + _LETTER * widest)))
            canvas.legend(handles=handles, loc="outside upper center", ncols=fitting, frameon=False)
        save(canvas, path)
    return _caption(points, figure, over, bool(len(levels)))


def _points(results: Results, figure: FigureSettings, over: str) -> pd.DataFrame:
    """The runs that lie on lines: `x` and `line`, by their index among the results."""
    chosen = select(results, figure.where)
    if figure.reference.keys() - {"model"}:
        chosen &= ~select(results, figure.reference)
    along = _along(results, figure)
    runs = {
        number: run
        for number, run in enumerate(results.runs)
        if chosen[number] and run.status == "completed" and not np.isnan(along[number])
    }
    if not runs:
        raise UserError(f"figure {figure.name}: no complete run that it shows has the axis {figure.x}")
    scale = 100 if in_percent(figure.x) else 1
    points = pd.DataFrame(
        {"x": scale * along[list(runs)], "line": [_line(run.axes, figure) for run in runs.values()]}, index=list(runs)
    )
    for _, point in points.groupby(["line", "x"]):
        for axis in results.axes:
            values = {runs[number].axes.get(axis) for number in point.index}
            if axis not in (figure.x, figure.lines, over) and len(values) > 1:
                told = ", ".join(sorted(value_text(axis, value) for value in values))
                raise UserError(
                    f"figure {figure.name} would mix the {axis} {told} in one line: choose one in its `where`"
                )
    return points


def _along(results: Results, figure: FigureSettings) -> Floats:
    """Where each run lies on x (runs,); NaN where it has none."""
    if figure.x not in results.axes:
        along = results.column("result", figure.x)
        return along.round(2) if in_percent(figure.x) else along  # the runs of several seeds meet
    values = [run.axes.get(figure.x, np.nan) for run in results.runs]
    if any(isinstance(value, str) for value in values):
        raise UserError(f"figure {figure.name}: x is {figure.x}, whose values are not numbers")
    return np.array(values, dtype=float)


def _levels(results: Results, figure: FigureSettings) -> pd.DataFrame:
    """The complete runs of the reference, and the `line` that each belongs to."""
    chosen = select(results, figure.reference)
    if not figure.reference.keys() - {"model"}:
        chosen &= select(results, figure.where)
    runs = [number for number, run in enumerate(results.runs) if chosen[number] and run.status == "completed"]
    runs = runs if figure.reference else []
    return pd.DataFrame({"line": [_line(results.runs[number].axes, figure) for number in runs]}, index=runs)


def _line(axes: Any, figure: FigureSettings) -> str:
    return "" if figure.lines is None else f"{figure.lines} {value_text(figure.lines, axes.get(figure.lines))}"


def _shown(results: Results, chosen: dict[str, Any], metric: str) -> Floats:
    return results.column(str(chosen.get("model", "result")), metric) * (100 if in_percent(metric) else 1)


def _draw_lines(panel: Axes, points: pd.DataFrame, figure: FigureSettings, colors: dict[str, Any]) -> None:
    sns.lineplot(
        points,
        x="x",
        y="y",
        hue="line",
        style="line",
        palette=colors,
        markers=True,
        dashes=False,
        estimator=figure.statistic,
        errorbar=_BANDS[figure.band][0] if figure.statistic == "mean" else None,
        err_kws={"alpha": 0.18, "linewidth": 0},
        markersize=6,
        ax=panel,
    )
    panel.set_xscale(figure.scale)
    ticks = sorted(points["x"].unique())
    if len(ticks) <= 10:
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
        panel.set_xticks([], minor=True)


def _draw_levels(panel: Axes, levels: pd.DataFrame, metric: str, colors: dict[str, Any]) -> None:
    for line, level in levels.groupby("line")["y"].mean().dropna().items():
        color = colors.get(str(line), "0.35")
        panel.axhline(level, color=color, linestyle=_DASHED, linewidth=1.2, zorder=1)
        if higher_is_better(metric):
            panel.axhline(NEAR * level, color=color, linestyle=_DOTTED, linewidth=1.2, zorder=1)


def _y_label(metric: str) -> str:
    better = {True: "higher is better", False: "lower is better", None: ""}[higher_is_better(metric)]
    return ", ".join(part for part in (unit_label(metric), better) if part)


def _legend(panel: Axes) -> list[Any]:
    """The lines' handles, which seaborn put beside the panel; a single line without a name has none."""
    handles, labels = panel.get_legend_handles_labels()
    for each in panel.figure.axes:
        if (legend := each.get_legend()) is not None:
            legend.remove()
    return [handle for handle, label in zip(handles, labels, strict=True) if label]


def _level_legend(figure: FigureSettings, drawn: bool) -> list[Any]:
    if not drawn:
        return []
    return [
        Line2D([], [], color="0.35", linestyle=_DASHED, label=_told(figure.reference)),
        Line2D([], [], color="0.35", linestyle=_DOTTED, label=f"{NEAR:.0%} of it"),
    ]


def _told(chosen: dict[str, Any]) -> str:
    return ", ".join(f"{axis} {value_text(axis, value)}" for axis, value in chosen.items())


def _caption(points: pd.DataFrame, figure: FigureSettings, over: str, levels: bool) -> str:
    nums = points.groupby(["line", "x"]).size()
    seeds = str(nums.min()) if nums.min() == nums.max() else f"{nums.min()} to {nums.max()}"
    parts = [
        f"{', '.join(map(metric_label, figure.metrics))} along {axis_label(figure.x)}: "
        + (
            f"mean over {over}s ({seeds} at a point), band {_BANDS[figure.band][1]}."
            if figure.statistic == "mean"
            else f"standard deviation (ddof 1) over {over}s ({seeds} at a point)."
        )
    ]
    if figure.where:
        parts.append(f"Shown: {_told(figure.where)}.")
    if levels:
        parts.append(
            f"Dashed: mean of {_told(figure.reference)}, in its line's colour if any; dotted: {NEAR:.0%} of it."
        )
    return " ".join(parts)
