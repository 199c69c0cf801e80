"""Default figure of a report: selection, OOD metrics and sparsity over the optimizer steps, as the runs logged them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lit_prune.display.style import COLUMN, colors_of, drawing, save
from lit_prune.report.cells import Cell, final_cells
from lit_prune.report.naming import column_title, is_in_percent, unit_label
from lit_prune.report.results import Key, Results
from lit_prune.report.settings import ReportSettings
from lit_prune.report.tables import cell_axes, cell_label
from lit_prune.report.training import read_logged
from lit_prune.runs.summary import metric_title

MOST_LINES = 8  # that readers can tell apart
_SELECTION, _SPARSITY = "selection", "sparsity/total"
_TITLES = {_SELECTION: "selection metric", _SPARSITY: "sparsity"}


def draw_progress(results: Results, settings: ReportSettings, path: Path) -> dict[str, str]:
    """Draw a panel per scalar and a line per row of the results, the mean over the seeds, with the seeds as thin lines.

    Args:
        results: The runs.
        settings: Settings with the metrics.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption by the figure's name, empty if no run logged any of the scalars.
    """
    cells = final_cells(results, settings.over)
    ood = [name for name in settings.metrics if Key.of("result", name).split.startswith("ood")]
    points = _points(results, cells[:MOST_LINES], [_SELECTION, *ood, _SPARSITY])
    if points.empty:
        return {}
    axes = cell_axes(results, settings)
    labels = {number: cell_label(axes, cell.axes) for number, cell in enumerate(cells[:MOST_LINES])}
    colors = dict(zip(labels, colors_of(map(str, labels)).values(), strict=True))
    scalars = [*dict.fromkeys(points["scalar"])]
    selections = {metric for run in results.runs for metric in run.selection.values()}
    units = {_SELECTION: metric_title(selections.pop()) if len(selections) == 1 else "", _SPARSITY: "removed (%)"}
    shown = [number for number in labels if number in set(points["cell"])]
    with drawing():
        num_legend = len(shown) if len(cells) > 1 else 0
        canvas = Figure(figsize=(COLUMN, 1.75 * len(scalars) + 0.35 + 0.2 * num_legend), dpi=200, layout="constrained")
        panels = canvas.subplots(len(scalars), 1, squeeze=False, sharex=True).flat
        for panel, scalar in zip(panels, scalars, strict=True):
            _draw_panel(panel, points[points["scalar"] == scalar], colors)
            panel.set_title(_TITLES.get(scalar) or column_title(scalar), loc="left")
            panel.set_ylabel(units.get(scalar) or unit_label(scalar))
        panel.set_xlabel("optimizer step")
        if num_legend:
            handles = [Line2D([], [], color=colors[number], label=labels[number]) for number in shown]
            canvas.legend(handles=handles, loc="outside upper left", frameon=False, borderaxespad=0.0)
        save(canvas, path)
    return {path.stem: _caption(points, len(cells), settings.over)}


def _points(results: Results, cells: Sequence[Cell], scalars: Sequence[str]) -> pd.DataFrame:
    """Return the finite values that the complete runs logged: `scalar`, `cell`, `run`, `step` and `y`."""
    numbers = {run: number for number, cell in enumerate(cells) for run in cell.runs}
    rows = []
    for run, cell in numbers.items():
        if results.runs[run].status == "completed":
            logged = read_logged(results.runs[run])
            rows += [
                (scalar, cell, run, step, value * (100 if is_in_percent(scalar) or scalar == _SPARSITY else 1))
                for scalar in scalars
                for step, value in logged.get(scalar, ())
            ]
    points = pd.DataFrame(rows, columns=["scalar", "cell", "run", "step", "y"])
    finite = points[points["y"].abs() < float("inf")]
    order = pd.Categorical(finite["scalar"], categories=[*dict.fromkeys(scalars)], ordered=True)
    return finite.assign(order=order).sort_values(["order", "cell", "run", "step"], kind="stable")


def _draw_panel(panel: Axes, points: pd.DataFrame, colors: Mapping[int, tuple[float, float, float]]) -> None:
    for cell, of_cell in points.groupby("cell"):
        color = colors[int(str(cell))]
        runs = of_cell.groupby("run")
        if runs.ngroups > 1:
            for _, of_run in runs:
                panel.plot(of_run["step"], of_run["y"], color=color, linewidth=0.9, alpha=0.6)
        mean = of_cell.groupby("step")["y"].mean()
        marker = "o" if len(mean) == 1 else None
        panel.plot(mean.index, mean, color=color, linewidth=1.8, marker=marker, markersize=4)


def _caption(points: pd.DataFrame, num_cells: int, over: str) -> str:
    has_seeds = points.groupby("cell")["run"].nunique().max() > 1
    parts = ["Values that the runs logged while they trained, over all phases."]
    if has_seeds:
        parts.append(f"Bold: mean over {over}s, thin: single {over}s.")
    if _SELECTION in set(points["scalar"]):
        parts.append("The selection metric picks the checkpoint; OOD sets never do.")
    if num_cells > MOST_LINES:
        parts.append(f"The figure shows the first {MOST_LINES} of {num_cells} rows of the results.")
    return " ".join(parts)
