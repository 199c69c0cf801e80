"""Figure of a trade-off between two numbers: a point per setting, and the Pareto frontier."""

from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from lit_prune.display.style import drawing, save
from lit_prune.report.naming import metric_label
from lit_prune.report.pareto import Tradeoff

_SIZE = (4.6, 3.6)  # inches


def draw_tradeoff(found: Tradeoff, path: Path) -> str:
    """Draw settings as points, and their Pareto frontier.

    Args:
        found: Settings with two numbers.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.
    """
    (first, end), (second, other_end) = found.goals.items()
    best = found.frontier
    dominated = np.setdiff1d(np.arange(len(found.axes)), best)
    color = sns.color_palette("colorblind")[0]
    with drawing():
        canvas = Figure(figsize=_SIZE, dpi=200, layout="constrained")
        panel = canvas.subplots()
        x, y = found.values[dominated].T
        panel.scatter(x, y, s=28, color="0.6", linewidths=0, label="dominated", zorder=2)
        x, y = found.values[best[np.argsort(found.values[best, 0], kind="stable")]].T
        panel.step(x, y, where="post" if end == "min" else "pre", color=color, linewidth=1.8, zorder=2)
        panel.scatter(x, y, s=40, color=color, linewidths=0, label="dominated by none", zorder=3)
        panel.set(xlabel=f"{metric_label(first)} ({end})", ylabel=f"{metric_label(second)} ({other_end})")
        canvas.legend(loc="outside upper center", ncols=2, frameon=False)
        save(canvas, path)
    return (
        f"{metric_label(second)} ({other_end}) over {metric_label(first)} ({end}): {len(found.axes)} settings, "
        f"{len(best)} of which no other dominates; the line bounds what they dominate."
    )
