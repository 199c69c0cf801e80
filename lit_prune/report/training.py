"""Figures of scalars logged to TensorBoard over the optimizer steps (Fu et al. 2023, Fig. 3)."""

import math
import warnings
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from lit_prune.display.style import PANEL, colors_of, drawing, save
from lit_prune.errors import UserError
from lit_prune.report.events import Scalars, read_scalars
from lit_prune.report.naming import value_text
from lit_prune.report.results import Results
from lit_prune.report.run import Run
from lit_prune.report.selection import select
from lit_prune.report.settings import CurveSettings


def draw_curves(results: Results, curves: CurveSettings, over: str, path: Path) -> str:
    """Draw scalars over the optimizer steps, one panel per scalar.

    A run with a damaged event file has no curves.

    Args:
        results: The runs.
        curves: Settings of the figure.
        over: The axis that is averaged over.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.

    Raises:
        UserError: No complete run in the figure has logged a scalar, and the event files of all can be read.
    """
    selected = select(results, curves.where)
    shown = [run for number, run in enumerate(results.runs) if selected[number] and run.status == "completed"]
    logged = {run.folder: _since(read_logged(run), curves.since) for run in shown}
    lines = [value_text(str(curves.lines), run.axes.get(str(curves.lines))) for run in shown]
    colors = colors_of(dict.fromkeys(lines))
    after = "" if curves.since is None else f" after the first of {curves.since}"
    handles: dict[str, Artist] = {}
    with drawing():
        height = PANEL[1] * len(curves.scalars) + 0.11 * (len(colors) + 1)  # the legend has two columns
        canvas = Figure(figsize=(2 * PANEL[0], height), dpi=200, layout="constrained")
        panels = canvas.subplots(len(curves.scalars), 1, squeeze=False, sharex=True).flat
        for panel, scalar in zip(panels, curves.scalars, strict=True):
            points = pd.DataFrame(
                [
                    (step, value, line)
                    for run, line in zip(shown, lines, strict=True)
                    for step, value in logged[run.folder].get(scalar, ())
                ],
                columns=["step", "y", "line"],
            )
            if points.empty and all(logged.values()):
                raise UserError(
                    f"scalars of figure {curves.name} must be logged by a complete run, got {scalar}: choose others"
                )
            sns.lineplot(
                points,
                x="step",
                y="y",
                hue="line",
                errorbar=None,
                linewidth=1.0,
                palette=None if points.empty else colors,
                ax=panel,
            )
            panel.set(ylabel=scalar, xlabel=f"optimizer step{after}")
            if (legend := panel.get_legend()) is not None:
                handles |= dict(zip(*panel.get_legend_handles_labels()[::-1], strict=True))
                legend.remove()
        if curves.lines and handles:
            canvas.legend(handles=list(handles.values()), loc="outside upper left", ncols=2, frameon=False)
        save(canvas, path)
    return f"{', '.join(curves.scalars)} by optimizer step{after}, mean over the {over}s."


def _since(logged: Scalars, tag: str | None) -> Scalars:
    """Count steps from the first point of a tag and leave out earlier points; all points if the tag is None."""
    if tag is None:
        return logged
    start = min((step for step, _ in logged.get(tag, ())), default=math.inf)
    return {
        name: [(step - int(start), value) for step, value in points if step >= start] for name, points in logged.items()
    }


def read_logged(run: Run) -> Scalars:
    """Return the scalars that a run logged; none, with a warning, if an event file is damaged."""
    try:
        return read_scalars(run.folder)
    except UserError as error:
        warnings.warn(f"{error}: figures do not show the curves of this run", stacklevel=3)
        return {}
