"""Figures of scalars logged to TensorBoard over the optimizer steps (Fu et al. 2023, Fig. 3)."""

from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

from lit_prune.display.style import FONTS, PANEL, STYLE, save
from lit_prune.errors import UserError
from lit_prune.report.naming import value_text
from lit_prune.report.results import Results
from lit_prune.report.selection import select
from lit_prune.report.settings import CurveSettings


def draw_curves(results: Results, curves: CurveSettings, over: str, path: Path) -> str:
    """Draw scalars over the optimizer steps, one panel per scalar.

    Args:
        results: The runs.
        curves: Settings of the figure.
        over: The axis that is averaged over.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.

    Raises:
        UserError: No complete run in the figure has logged a scalar.
    """
    selected = select(results, curves.where)
    shown = [run for number, run in enumerate(results.runs) if selected[number] and run.status == "completed"]
    logged = {run.folder: EventAccumulator(str(run.folder), {SCALARS: 0}).Reload() for run in shown}
    with sns.plotting_context("paper", rc=FONTS), sns.axes_style("ticks", STYLE | {"axes.grid": True}):
        canvas = Figure(figsize=(2 * PANEL[0], PANEL[1] * len(curves.scalars)), dpi=200, layout="constrained")
        panels = canvas.subplots(len(curves.scalars), 1, squeeze=False, sharex=True).flat
        for panel, scalar in zip(panels, curves.scalars, strict=True):
            points = pd.DataFrame(
                [
                    (each.step, each.value, value_text(str(curves.lines), run.axes.get(str(curves.lines))))
                    for run in shown
                    if scalar in logged[run.folder].Tags()["scalars"]
                    for each in logged[run.folder].Scalars(scalar)
                ],
                columns=["step", "y", "line"],
            )
            if points.empty:
                raise UserError(
                    f"scalars of figure {curves.name} must be logged by a complete run, got {scalar}: choose others"
                )
            sns.lineplot(points, x="step", y="y", hue="line", errorbar=None, linewidth=1.0, ax=panel)
            panel.set(ylabel=scalar, xlabel="optimizer step")
            panel.legend(title=None, frameon=False) if curves.lines else panel.get_legend().remove()
        save(canvas, path)
    return f"{', '.join(curves.scalars)} by optimizer step, mean over the {over}s."
