"""Figure of ranks by standard deviation over ranks by mean, a point per method and task (Fu et al. 2023, Fig. 4)."""

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lit_prune.display.style import colors_of, drawing, save
from lit_prune.report.naming import metric_label
from lit_prune.report.stability import Spreads, rank_correlation, std_and_mean_ranks

_SIZE = (5.6, 3.6)  # inches, with the legend beside
_APART = 0.12  # distance between points of equal ranks


def draw_ranks(found: Spreads, path: Path) -> str:
    """Draw ranks by standard deviation over ranks by mean, without results near the majority baseline.

    Args:
        found: Means and standard deviations of the methods.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.
    """
    std_ranks, mean_ranks = std_and_mean_ranks(found)
    rows, columns = (~np.isnan(std_ranks) & ~np.isnan(mean_ranks)).nonzero()
    points = pd.DataFrame(
        {
            "mean_ranks": mean_ranks[rows, columns],
            "std_ranks": std_ranks[rows, columns],
            "method": [found.methods[row] for row in rows.tolist()],
            "of": [metric_label(found.metrics[column]) for column in columns.tolist()],
        }
    )
    along = points.groupby(["mean_ranks", "std_ranks"]).cumcount() * _APART
    with drawing():
        canvas = Figure(figsize=_SIZE, dpi=200, layout="constrained")
        panel = canvas.subplots()
        sns.scatterplot(
            points.assign(mean_ranks=points["mean_ranks"] + along),
            x="mean_ranks",
            y="std_ranks",
            hue="method",
            palette=colors_of(found.methods) if len(points) else None,
            style="of",
            s=70,
            ax=panel,
        )
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))
        panel.set(xlabel="rank by mean, 1 is the best", ylabel="rank by standard deviation, 1 is the steadiest")
        if len(points):
            sns.move_legend(panel, "upper left", bbox_to_anchor=(1.02, 1), frameon=False)
        save(canvas, path)
    caption = (
        f"A point for each of {len(points)} methods and tasks, points of one place side by side: Spearman's rho "
        f"{rank_correlation(found)}"
    )
    of_all = rank_correlation(found, rank_all=True)
    return f"{caption}." if of_all.num == len(points) else f"{caption}; with means near the majority baseline {of_all}."
