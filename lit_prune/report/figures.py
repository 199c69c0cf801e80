"""Figures of a study: a panel per metric, lines with bands and points of seeds, and the level of a reference."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from lit_prune.display.style import PANEL, colors_of, drawing, num_columns, save, set_log_ticks
from lit_prune.errors import UserError
from lit_prune.report.cells import split_cells
from lit_prune.report.naming import (
    axis_label,
    display_factor,
    higher_is_better,
    is_in_percent,
    metric_label,
    unit_label,
    value_text,
)
from lit_prune.report.results import Results
from lit_prune.report.run import Value
from lit_prune.report.selection import select
from lit_prune.report.settings import FigureSettings
from lit_prune.report.statistics import Floats

NEAR = 0.95  # of the reference, drawn beside it (Liu et al. 2022, Fig. 2)
_BANDS: dict[str, tuple[Any, str]] = {
    "minmax": (("pi", 100), "from the lowest to the highest value"),
    "std": ("sd", "one standard deviation (ddof 1) to either side"),
}
_HANDLE, _LETTER = 0.6, 0.085  # inches of a legend: a line with the space around it, a letter
_DASHES = ((0, (5, 2)), (0, (5, 2, 1, 2)), (0, (8, 2, 1, 2, 1, 2)))  # of level lines, by reference
_DOTTED = (0, (1, 1.5))


def draw(results: Results, figure: FigureSettings, over: str, path: Path) -> str:
    """Draw a figure.

    Args:
        results: The runs.
        figure: Settings of the figure.
        over: The axis that is averaged over.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.

    Raises:
        UserError: No run has a point in the figure, x is not numeric, or a line would mix values of an axis.
    """
    points = _points(results, figure, over)
    colors = colors_of(dict.fromkeys(points["line"]))
    levels = _levels(results, figure, [results.runs[number].axes for number in points.index])
    dashes = dict(zip(dict.fromkeys(levels["reference"]), cycle(_DASHES), strict=False))
    columns = num_columns(len(figure.metrics))
    rows = -(-len(figure.metrics) // columns)
    size = (PANEL[0] * columns, PANEL[1] * rows + 0.4)
    with drawing():
        canvas = Figure(figsize=size, dpi=200, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.06))
        panels: list[Axes] = list(canvas.subplots(rows, columns, squeeze=False).flat)
        for panel, metric in zip(panels, figure.metrics, strict=False):
            _draw_lines(panel, points.assign(y=_values(results, figure.where, metric)[points.index]), figure, colors)
            level_values = _values(results, figure.reference, metric)[levels.index]
            _draw_levels(panel, levels.assign(y=level_values), metric, colors, dashes)
            label = _y_label(metric) if figure.statistic == "mean" else f"standard deviation of {unit_label(metric)}"
            panel.set(title=metric_label(metric), xlabel=_x_label(figure.x), ylabel=label)
        for panel in panels[len(figure.metrics) :]:
            panel.remove()
        handles = [*_legend(panels[0]), *_level_legend(dashes)]
        if handles:
            widest = max(len(str(handle.get_label())) for handle in handles)
            fitting = max(1, int(size[0] / (_HANDLE + _LETTER * widest)))
            canvas.legend(handles=handles, loc="outside upper center", ncols=fitting, frameon=False)
        save(canvas, path)
    return _caption(points, figure, over, list(dashes))


def _points(results: Results, figure: FigureSettings, over: str) -> pd.DataFrame:
    """Return `x` and `line` of the runs in the figure, by their index among the results."""
    selected = select(results, figure.where)
    if figure.reference.keys() - {"model"}:
        selected &= ~select(results, figure.reference)
    xs = _x_values(results, figure, over) * display_factor(figure.x)
    runs = {
        number: run
        for number, run in enumerate(results.runs)
        if selected[number] and run.status == "completed" and np.isfinite(xs[number])
    }
    if not runs:
        raise UserError(f"x of figure {figure.name} must be an axis of a complete run, got {figure.x}: choose another")
    points = pd.DataFrame(
        {"x": xs[list(runs)], "line": [_axes_text(run.axes, figure.line_axes) for run in runs.values()]},
        index=list(runs),
    )
    for _, point in points.groupby(["line", "x"]):
        for axis in results.axes:
            values = {runs[number].axes.get(axis) for number in point.index}
            if axis not in (figure.x, *figure.line_axes, over) and len(values) > 1 and not _is_metric(figure.x):
                mixed = ", ".join(sorted(value_text(axis, value) for value in values))
                raise UserError(
                    f"a line of figure {figure.name} must have one {axis}, got {mixed}: choose one in its `where`"
                )
    return points


def _x_values(results: Results, figure: FigureSettings, over: str) -> Floats:
    """Return x of each run (runs,), NaN if it has none; of a metric its mean over the runs of the same cell."""
    if _is_metric(figure.x):
        means = results.column(str(figure.where.get("model", "result")), figure.x).copy()
        for cell in split_cells(results, over):
            known = [number for number in cell.runs if np.isfinite(means[number])]
            means[known] = means[known].mean() if known else np.nan
        return means
    if figure.x not in results.axes:
        values = results.column("result", figure.x)
        return values.round(2) if is_in_percent(figure.x) else values  # so that seeds share a point
    axis_values = [run.axes.get(figure.x, np.nan) for run in results.runs]
    if any(isinstance(value, str) for value in axis_values):
        raise UserError(f"x of figure {figure.name} must be an axis of numbers, got {figure.x}: choose another")
    return np.array(axis_values, dtype=float)


def _is_metric(name: str) -> bool:
    """True if an x is a metric of a set, neither an axis nor a number without a split."""
    return "/" in name


def _levels(results: Results, figure: FigureSettings, shown: Sequence[Mapping[str, Value]]) -> pd.DataFrame:
    """Return `reference` and `line` of each complete run of the reference, by its index among the results.

    The line is the first with the run's values of those axes of lines that the reference does not select; empty if none
    has them.

    Args:
        results: The runs.
        figure: Settings of the figure.
        shown: Axes of the runs in the lines.
    """
    selected = select(results, figure.reference)
    if not figure.reference.keys() - {"model"}:
        selected &= select(results, figure.where)
    runs = [number for number, run in enumerate(results.runs) if selected[number] and run.status == "completed"]
    runs = runs if figure.reference else []
    common = [axis for axis in figure.line_axes if axis not in figure.reference]
    named = [axes for axes in reversed(shown) if axes.keys() >= {*common}]
    lines = {_axes_text(axes, common): _axes_text(axes, figure.line_axes) for axes in named}
    lines = lines if common or not figure.line_axes else {}
    axes_of_runs = [results.runs[number].axes for number in runs]
    return pd.DataFrame(
        {
            "reference": [_reference_text(figure.reference, axes) for axes in axes_of_runs],
            "line": [lines.get(_axes_text(axes, common), "") for axes in axes_of_runs],
        },
        index=runs,
    )


def _axes_text(axes: Mapping[str, Value], names: Sequence[str]) -> str:
    return ", ".join(f"{axis} {value_text(axis, axes.get(axis))}" for axis in names)


def _reference_text(reference: Mapping[str, Any], axes: Mapping[str, Value]) -> str:
    """Return the reference that a run belongs to: of a list of values the run's own."""
    return _selection_text(
        {axis: axes.get(axis) if isinstance(value, list) else value for axis, value in reference.items()}
    )


def _values(results: Results, where: dict[str, Any], metric: str) -> Floats:
    return results.column(str(where.get("model", "result")), metric) * display_factor(metric)


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
    if figure.statistic == "mean":
        sns.scatterplot(points, x="x", y="y", hue="line", palette=colors, s=8, alpha=0.7, legend=False, ax=panel)
    panel.set_xscale(figure.scale)
    ticks = sorted(points["x"].unique())
    if len(ticks) <= 10 and not _is_metric(figure.x):
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
        panel.set_xticks([], minor=True)
    elif figure.scale == "log":
        set_log_ticks(panel.xaxis)


def _draw_levels(
    panel: Axes, levels: pd.DataFrame, metric: str, colors: Mapping[str, Any], dashes: Mapping[str, Any]
) -> None:
    means = levels.groupby(["reference", "line"])["y"].mean().dropna()
    for (reference, line), level in means.items():
        color = colors.get(line, "0.35")
        panel.axhline(level, color=color, linestyle=dashes[reference], linewidth=1.2, zorder=1)
        if higher_is_better(metric):
            panel.axhline(NEAR * level, color=color, linestyle=_DOTTED, linewidth=1.2, zorder=1)


def _x_label(name: str) -> str:
    unit = " (%)" if is_in_percent(name) else ""
    return f"{metric_label(name)}{unit}" if _is_metric(name) else axis_label(name)


def _y_label(metric: str) -> str:
    better = {True: "higher is better", False: "lower is better", None: ""}[higher_is_better(metric)]
    return ", ".join(part for part in (unit_label(metric), better) if part)


def _legend(panel: Axes) -> list[Any]:
    """Remove seaborn's legends and return the handles of named lines."""
    handles, labels = panel.get_legend_handles_labels()
    for each in panel.figure.axes:
        if (legend := each.get_legend()) is not None:
            legend.remove()
    return [handle for handle, label in zip(handles, labels, strict=True) if label]


def _level_legend(dashes: Mapping[str, Any]) -> list[Any]:
    named = [Line2D([], [], color="0.35", linestyle=dash, label=reference) for reference, dash in dashes.items()]
    near = Line2D([], [], color="0.35", linestyle=_DOTTED, label=f"{NEAR:.0%} of it")
    return [*named, near] if named else []


def _selection_text(where: dict[str, Any]) -> str:
    return ", ".join(f"{axis} {value_text(axis, value)}" for axis, value in where.items())


def _caption(points: pd.DataFrame, figure: FigureSettings, over: str, references: Sequence[str]) -> str:
    nums = points.groupby(["line", "x"]).size()
    seeds = str(nums.min()) if nums.min() == nums.max() else f"{nums.min()} to {nums.max()}"
    parts = [
        f"{', '.join(map(metric_label, figure.metrics))} along {_x_label(figure.x)}: "
        + (
            f"mean over {over}s ({seeds} at a point), band {_BANDS[figure.band][1]}, small points: single {over}s."
            if figure.statistic == "mean"
            else f"standard deviation (ddof 1) over {over}s ({seeds} at a point)."
        )
    ]
    if figure.where:
        parts.append(f"Shown: {_selection_text(figure.where)}.")
    if references:
        named = "; ".join(references)
        parts.append(f"Dashed: mean of {named}, in its line's colour if any; dotted: {NEAR:.0%} of it.")
    return " ".join(parts)
