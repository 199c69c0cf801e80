"""Relative time over density (Xia & Shin 2021, Fig. 1b)."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from lit_prune.bench.inference import Speed, Use
from lit_prune.bench.report import machine
from lit_prune.files import write_atomically
from lit_prune.style import FONTS, STYLE

_SIZE = (6.2, 3.8)  # inches, with the legend beside


def draw(speeds: Sequence[Speed], use: Use, path: Path) -> None:
    """Draw the time of each pruned encoder over that of the dense one in the same precision, and what FLOPs allow.

    Args:
        speeds: What was measured; the first is the dense encoder. What the name of another begins with is its line.
        use: How the encoders were used.
        path: The PNG to write.
    """
    rows = pd.DataFrame(
        {"density": each.density, "time": each.ratio, "limit": each.flop_ratio, "way": each.name.split()[0]}
        | {"precision": each.precision}
        for each in speeds
        if each.name != speeds[0].name
    )
    ways = {"rank": "ranks, as two matrices", "csr": "elements, sparse products"}
    rows["way"] = rows["way"].map(lambda way: ways.get(way, way))
    colors = dict(zip(rows["way"].unique(), sns.color_palette("colorblind"), strict=False))
    on = machine(use.device)
    with sns.plotting_context("paper", rc=FONTS), sns.axes_style("ticks", STYLE | {"axes.grid": True}):
        canvas = Figure(figsize=_SIZE, dpi=200, layout="constrained")
        panel = canvas.subplots()
        panel.axhline(1, color="0.5", linewidth=0.8)
        for way, own in rows.drop_duplicates(["way", "density"]).groupby("way", sort=False):
            panel.plot(own["density"], own["limit"], color=colors[str(way)], linestyle=":", linewidth=1)
        sns.lineplot(
            rows,
            x="density",
            y="time",
            hue="way",
            palette=colors,
            style="precision",
            markers=True,
            ax=panel,
            errorbar=None,
        )
        panel.set(
            xlabel="parameters kept of the layers",
            ylabel="time over that of dense, same precision",
            xlim=(0, 1),
            ylim=(0, None),
            title=f"{on['hardware']}, {on['num_threads']} threads, {use.batch} x {use.length} tokens; dotted: FLOPs",
        )
        sns.move_legend(panel, "upper left", bbox_to_anchor=(1.02, 1), frameon=False)
        write_atomically(path, lambda partial: canvas.savefig(partial, format="png"))
