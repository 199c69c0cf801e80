"""How steady beside how good, a point for each method and task (Fu et al. 2023, Fig. 4)."""

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lit_prune.display.style import FONTS, STYLE, colors_of, save
from lit_prune.report.naming import metric_label
from lit_prune.report.stability import Spreads, both_ranks, rank_correlation

_SIZE = (5.6, 3.6)  # inches, with the legend beside
_APART = 0.12  # ranks that points of one place are drawn apart


def draw_ranks(found: Spreads, path: Path) -> str:
    """Draw the ranks by standard deviation over those by mean; what has learned nothing has none.

    Args:
        found: What the methods reached.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption.
    """
    steady, good = both_ranks(found)
    rows, columns = (~np.isnan(steady) & ~np.isnan(good)).nonzero()
    points = pd.DataFrame(
        {
            "good": good[rows, columns],
            "steady": steady[rows, columns],
            "method": [found.methods[row] for row in rows.tolist()],
            "of": [metric_label(found.metrics[column]) for column in columns.tolist()],
        }
    )
    along = points.groupby(["good", "steady"]).cumcount() * _APART
    with sns.plotting_context("paper", rc=FONTS), sns.axes_style("ticks", STYLE | {"axes.grid": True}):
        canvas = Figure(figsize=_SIZE, dpi=200, layout="constrained")
        panel = canvas.subplots()
        sns.scatterplot(
            points.assign(good=points["good"] + along),
            x="good",
            y="steady",
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
    every = rank_correlation(found, every=True)
    return f"{caption}." if every.num == len(points) else f"{caption}; with means near the majority baseline {every}."
