"""Figure of scores over budgets: multitask models, mixtures of single-task models and their frontier.

Xia & Shin 2021, Fig. 2.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lit_prune.display.style import PANEL, drawing, num_columns, save, set_log_ticks
from lit_prune.report.cells import split_cells
from lit_prune.report.mixtures import Mixtures, Models, find_models, mix
from lit_prune.report.naming import metric_label
from lit_prune.report.results import Results
from lit_prune.report.settings import MixtureSettings
from lit_prune.report.statistics import Floats

_BLUE, _, _, _RED, *_ = sns.color_palette("colorblind")
_SINGLE, _MULTITASK = "single-task model", "multitask model"
_LINES: dict[str, dict[str, Any]] = {
    _SINGLE: {"color": _BLUE, "marker": "o", "markersize": 6, "linewidth": 1.8},
    _MULTITASK: {"color": _RED, "marker": "X", "markersize": 7, "linewidth": 1.8},
}
_MARGIN = 1.25  # beside the smallest and the largest budget
_BAND: dict[str, Any] = {"alpha": 0.18, "linewidth": 0}


def draw_mixtures(results: Results, mixture: MixtureSettings, over: str, path: Path) -> str:
    """Draw a panel for the mean over the tasks, and one for each task.

    Args:
        results: The runs.
        mixture: The comparison to draw.
        over: The axis that is averaged over.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.

    Raises:
        UserError: See `find_models` and `mix`.
    """
    models = find_models(results, mixture, over)
    mixtures = {seed: found for seed, found in mix(models).items() if len(found.scores)}
    budgets = _setting_budgets(results, models, over)
    shown = np.concatenate([models.budgets[models.known], *(each.budgets for each in mixtures.values())])
    limits = shown.min(initial=1.0) / _MARGIN, shown.max(initial=1.0) * _MARGIN
    columns = num_columns(1 + len(mixture.metrics))
    rows = -(-(1 + len(mixture.metrics)) // columns)
    with drawing():
        canvas = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows + 0.4), dpi=200, layout="constrained")
        macro, *task_panels = canvas.subplots(rows, columns, squeeze=False).flat
        _draw_all(macro, list(mixtures.values()), limits[1])
        _draw_line(macro, budgets, models.budgets, models.means, _MULTITASK)
        _label(macro, f"mean of the {len(mixture.metrics)} tasks", limits)
        for task, (panel, metric) in enumerate(zip(task_panels, mixture.metrics, strict=False)):
            for runs, name in ((models.single[:, task], _SINGLE), (models.multitask, _MULTITASK)):
                _draw_line(panel, budgets, models.budgets, np.where(runs, models.scores[:, task], np.nan), name)
            _label(panel, metric_label(metric), limits)
        for panel in task_panels[len(mixture.metrics) :]:
            panel.remove()
        canvas.legend(handles=_legend(), loc="outside upper center", ncols=2, frameon=False)
        save(canvas, path)
    num = sum(len(each.scores) for each in mixtures.values())
    return (
        "Score over budget: parameters stored, in units of one dense encoder's layers, without the masks' bits. Faint: "
        f"all {num:,} mixtures of single-task models of one {over} ({len(mixtures)} {over}s have some); the steps are "
        f"the best of each budget or less. Lines are means over {over}s, bands go from the lowest to the highest "
        "value, small points are runs."
    )


def _setting_budgets(results: Results, models: Models, over: str) -> Floats:
    """Return the mean budget over the seeds of each run's setting (runs,), the shared x of its points."""
    means = np.full(len(models.budgets), np.nan)
    for cell in split_cells(results, over):
        if runs := [number for number in cell.runs if models.known[number]]:
            means[runs] = models.budgets[runs].mean()
    return means


def frontiers(mixtures: list[Mixtures]) -> tuple[Floats, Floats]:
    """Return the best scores of the mixtures of each seed, at all budgets where one of these scores increases.

    Args:
        mixtures: The mixtures of each seed, at least one per seed.

    Returns:
        The budgets (budgets,), ascending from the smallest at which every seed has a mixture, and the scores (seeds,
        budgets).
    """
    found = [each.frontier for each in mixtures]
    first = max(each.budgets.min() for each in found)
    rises = np.unique(np.concatenate([each.budgets for each in found]))
    budgets = rises[rises >= first]
    return budgets, np.array([[each.best(budget) for budget in budgets] for each in found])


def _draw_all(panel: Axes, mixtures: list[Mixtures], end: float) -> None:
    """Draw all mixtures, and the mean of their frontiers as steps up to the end of the panel."""
    for each in mixtures:
        panel.scatter(each.budgets, each.scores, s=9, color=_BLUE, alpha=0.25, linewidths=0, zorder=1)
    if mixtures:
        budgets, scores = frontiers(mixtures)
        budgets, scores = np.append(budgets, end), np.hstack([scores, scores[:, -1:]])
        panel.step(budgets, scores.mean(axis=0), where="post", color=_BLUE, linewidth=1.8)
        panel.fill_between(budgets, scores.min(axis=0), scores.max(axis=0), step="post", color=_BLUE, **_BAND)


def _draw_line(panel: Axes, setting_budgets: Floats, budgets: Floats, scores: Floats, name: str) -> None:
    """Draw a line with a band through the means of settings, and a point per model; arrays are (runs,)."""
    style = _LINES[name]
    is_model = ~np.isnan(scores)
    points = pd.DataFrame({"x": setting_budgets[is_model], "y": scores[is_model]})
    sns.lineplot(points, x="x", y="y", errorbar=("pi", 100), err_kws=_BAND, ax=panel, **style)
    panel.scatter(budgets[is_model], scores[is_model], s=12, color=style["color"], alpha=0.5, linewidths=0, zorder=3)


def _label(panel: Axes, title: str, limits: tuple[float, float]) -> None:
    panel.set(title=title, xlabel="budget (1 is a dense encoder)", ylabel="score, higher is better")
    panel.set(xscale="log", xlim=limits)
    set_log_ticks(panel.xaxis)


def _legend() -> list[Line2D]:
    dots: dict[str, Any] = {"color": _BLUE, "marker": "o", "markersize": 3, "alpha": 0.4, "linewidth": 0}
    steps: dict[str, Any] = {"color": _BLUE, "linewidth": 1.8, "drawstyle": "steps-post"}
    named = {"mixture of single-task models": dots, "best mixture of a budget or less": steps, **_LINES}
    return [Line2D([], [], label=name, **style) for name, style in named.items()]
