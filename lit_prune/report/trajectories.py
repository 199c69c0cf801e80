"""Figure of OOD against ID performance over all evaluations of the runs, by method."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lit_prune.display.style import COLUMN, colors_of, drawing, save
from lit_prune.report.matched import Matched, Method
from lit_prune.report.naming import MODELS, column_title, display_factor, is_in_percent, unit_label
from lit_prune.report.results import Results
from lit_prune.report.settings import ReportSettings
from lit_prune.report.tables import cell_axes, cell_label


def draw_trajectories(found: Matched, results: Results, settings: ReportSettings, path: Path) -> str:
    """Draw a panel per OOD metric: a line per run through its evaluations, and the matched ID metric.

    Args:
        found: The methods.
        results: The runs, for the names of the methods.
        settings: Settings of the report.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.
    """
    first, *others = found.metrics
    axes = cell_axes(results, settings)
    labels = [_label(axes, method) for method in found.methods]
    colors = colors_of(dict.fromkeys(labels))
    with drawing():
        size = COLUMN, 2.6 * len(others) + 0.35 + 0.2 * len(colors)
        canvas = Figure(figsize=size, dpi=200, layout="constrained")
        panels = canvas.subplots(len(others), 1, squeeze=False, sharex=True).flat
        for number, (panel, name) in enumerate(zip(panels, others, strict=True), start=1):
            for method, label in zip(found.methods, labels, strict=True):
                _draw(panel, found, method, number, colors[label])
            panel.axvline(found.level * display_factor(first), color="0.35", linestyle="--", linewidth=1.2, zorder=1)
            panel.set_title(column_title(name), loc="left")
            panel.set_ylabel(unit_label(name))
        panel.set_xlabel(f"{column_title(first)}{' (%)' if is_in_percent(first) else ''}")
        handles = [Line2D([], [], color=color, marker="o", markersize=4, label=text) for text, color in colors.items()]
        canvas.legend(handles=handles, loc="outside upper left", frameon=False, borderaxespad=0.0)
        save(canvas, path)
    return (
        f"Evaluations of the last phase at its final sparsity, a line per {settings.over}, a circle at its last one; "
        f"dashed: the matched {column_title(first)}. Methods whose lines coincide differ only in how far they learned."
    )


def _label(axes: list[str], method: Method) -> str:
    label = cell_label(axes, method.axes)
    return f"{label}, {MODELS[method.model]}".lstrip(", ") if method.model != "result" or not label else label


def _draw(panel: Axes, found: Matched, method: Method, number: int, color: tuple[float, float, float]) -> None:
    x_factor, y_factor = display_factor(found.metrics[0]), display_factor(found.metrics[number])
    for run in method.runs:
        x, y = run[:, 0] * x_factor, run[:, number] * y_factor
        panel.plot(x, y, color=color, linewidth=0.9, marker=".", markersize=4, alpha=0.7)
        panel.plot(x[-1:], y[-1:], color=color, marker="o", markersize=6)
