"""Default figure of a report: the models of every run side by side, a panel per evaluation set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lit_prune.display.style import COLUMN, drawing, save
from lit_prune.report.cells import Cell, final_cells
from lit_prune.report.naming import MODELS, column_title, display_factor, is_in_percent, is_share, unit_label
from lit_prune.report.results import Key, Results
from lit_prune.report.settings import ReportSettings
from lit_prune.report.statistics import Floats
from lit_prune.report.tables import cell_axes, cell_label

MOST_CELLS, MOST_PANELS = 12, 8
COLORS = {"dense": "0.62", "dense_shifted": "#de8f05", "result": "#0173b2"}
_BASELINE = "constant"
_SLOT = 0.21  # inches of a bar or a line of text


def draw_overview(results: Results, settings: ReportSettings, path: Path) -> dict[str, str]:
    """Draw the means over the seeds as bars, with the seeds as points.

    Args:
        results: The runs.
        settings: Settings with the metrics of the panels.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption by the figure's name, empty if there is nothing to draw.
    """
    cells = final_cells(results, settings.over)
    metrics = [name for name in settings.metrics if Key.of("result", name).split]
    panels = {name: _bars(results, cells[:MOST_CELLS], name) for name in metrics[:MOST_PANELS]}
    panels = {name: found for name, found in panels.items() if found}
    if not panels:
        return {}
    axes = cell_axes(results, settings)
    has_labels = len(cells) > 1
    heights = [sum(len(bars) + has_labels for _, bars, _ in found) for found in panels.values()]
    models = [model for model in COLORS if any(model in bars for found in panels.values() for _, bars, _ in found)]
    has_baseline = any(baseline is not None for found in panels.values() for *_, baseline in found)
    num_seeds = max(len(values) for found in panels.values() for _, bars, _ in found for values in bars.values())
    with drawing():
        size = COLUMN, _SLOT * sum(heights) + 0.95 * len(panels) + 0.5
        canvas = Figure(figsize=size, dpi=200, layout=ConstrainedLayoutEngine(h_pad=0.09))
        drawn = canvas.subplots(len(panels), 1, squeeze=False, height_ratios=heights).flat
        for panel, (metric, found) in zip(drawn, panels.items(), strict=True):
            labels = [cell_label(axes, cell.axes) if has_labels else "" for cell, *_ in found]
            _draw_panel(panel, metric, [(bars, baseline) for _, bars, baseline in found], labels)
        canvas.legend(handles=_legend(models, has_baseline, num_seeds > 1), loc="outside upper left", ncols=2, **_PLAIN)
        save(canvas, path)
    return {path.stem: _caption(len(cells), len(metrics), settings.over, models, has_baseline, num_seeds)}


_PLAIN: dict[str, Any] = {"frameon": False, "handlelength": 1.2, "columnspacing": 1.2, "borderaxespad": 0.0}
_COVER = {"facecolor": "w", "edgecolor": "none", "pad": 0.8}  # hides the line of the baseline behind a number
_Bars = dict[str, Floats]


def _bars(results: Results, cells: Sequence[Cell], metric: str) -> list[tuple[Cell, _Bars, float | None]]:
    """Return the cells with the metric: the values of each model, and the mean of the constant-prediction baseline."""
    factor = display_factor(metric)
    found = []
    for cell in cells:
        values = {model: factor * results.column(model, metric)[list(cell.runs)] for model in (*COLORS, _BASELINE)}
        finite = {model: each[np.isfinite(each)] for model, each in values.items()}
        bars = {model: finite[model] for model in COLORS if len(finite[model])}
        if bars:
            found.append((cell, bars, float(finite[_BASELINE].mean()) if len(finite[_BASELINE]) else None))
    return found


def _draw_panel(panel: Axes, metric: str, rows: Sequence[tuple[_Bars, float | None]], labels: Sequence[str]) -> None:
    """Draw rows of bars from top to bottom, each below its label."""
    place = 0.0
    for (bars, baseline), label in zip(rows, labels, strict=True):
        if label:
            panel.annotate(label, (0, place), (2, 0), textcoords="offset points", va="center", annotation_clip=False)
            place += 1
        start = place
        for model, values in bars.items():
            panel.barh(place, values.mean(), height=0.8, color=COLORS[model], zorder=2)
            if len(values) > 1:
                panel.scatter(
                    values, np.full(len(values), place), s=14, color="0.15", edgecolors="w", linewidths=0.6, zorder=4
                )
            text = f"{values.mean():.1f}" if is_in_percent(metric) else f"{values.mean():.3f}"
            end = max(0.0, values.max())
            panel.annotate(text, (end, place), (6, 0), textcoords="offset points", va="center", fontsize=9, bbox=_COVER)
            place += 1
        if baseline is not None:
            panel.plot([baseline] * 2, [start - 0.5, place - 0.5], color="0.15", linestyle=(0, (2, 1)), linewidth=1.2)
    panel.set_ylim(place - 0.4, -0.6)
    panel.set_yticks([])
    panel.grid(visible=False, axis="y")
    panel.spines["left"].set_visible(False)
    panel.axvline(0, color="0.4", linewidth=0.8)
    panel.set_title(column_title(metric), loc="left")
    panel.set_xlabel(unit_label(metric))
    if is_share(metric):
        whole = display_factor(metric)
        panel.set_xlim(0, 1.12 * whole)
        panel.set_xticks([whole * share for share in (0, 0.25, 0.5, 0.75, 1)])
    else:
        panel.margins(x=0.15)


def _legend(models: Sequence[str], has_baseline: bool, has_seeds: bool) -> list[Any]:
    handles: list[Any] = [Patch(color=COLORS[model], label=MODELS[model]) for model in models]
    if has_baseline:
        handles.append(Line2D([], [], color="0.15", linestyle=(0, (2, 1)), linewidth=1.2, label="constant prediction"))
    if has_seeds:
        handles.append(Line2D([], [], color="0.15", marker="o", markersize=4, linewidth=0, label="single seed"))
    return handles


def _caption(
    num_cells: int, num_metrics: int, over: str, models: Sequence[str], has_baseline: bool, num_seeds: int
) -> str:
    parts = [f"Bars: mean over {over}s, points: single {over}s." if num_seeds > 1 else f"One {over} per bar."]
    if "dense_shifted" in models:
        parts.append("Threshold-shifted dense: the dense model, shifted to predict as many positives as the result.")
    if has_baseline:
        parts.append("Dashed: the constant-prediction baseline, a model that always answers one class.")
    if num_cells > MOST_CELLS:
        parts.append(f"The figure shows the first {MOST_CELLS} of {num_cells} rows of the results.")
    if num_metrics > MOST_PANELS:
        parts.append(f"The figure shows the first {MOST_PANELS} of {num_metrics} metrics.")
    return " ".join(parts)
