"""Relative time over density (Xia & Shin 2021, Fig. 1b)."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lit_prune.bench.inference import Speed, Use
from lit_prune.bench.report import machine
from lit_prune.display.style import FONTS, STYLE, colors_of, save

_SIZE = (6.4, 3.8)  # inches, with the legend beside
_WAYS = {"rank": "ranks, two matrices each", "csr": "elements, sparse products"}  # by what names begin with
_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3)


def draw(speeds: Sequence[Speed], use: Use, path: Path) -> None:
    """Draw the time of each pruned encoder over that of the dense one in the same precision, and what FLOPs allow.

    Args:
        speeds: What was measured; the first is the dense encoder, the others are called `rank ...` or `csr ...`.
        use: How the encoders were used.
        path: The PNG to write, with a PDF beside it.
    """
    rows = pd.DataFrame(
        {
            "kept": each.density,
            "time": each.ratio,
            "FLOPs": each.flop_ratio,
            "pruned": f"{_WAYS[each.name.split()[0]]}, {each.precision}",
            "way": each.name.split()[0],
            "precision": each.precision,
        }
        for each in speeds
        if each.name != speeds[0].name
    ).sort_values("kept")
    on = machine(use.device)
    with sns.plotting_context("paper", rc=FONTS), sns.axes_style("ticks", STYLE | {"axes.grid": True}):
        canvas = Figure(figsize=_SIZE, dpi=200, layout="constrained")
        panel = canvas.subplots()
        panel.axhline(1, color="0.4", linewidth=0.9, label="dense")
        panel.plot(rows["kept"], rows["FLOPs"], color="0.4", linestyle=":", linewidth=1.2, label="by FLOPs alone")
        colors = colors_of(_WAYS)
        looks = {"fp32": ("-", "o"), "bf16": ("--", "X"), "int8": ("-.", "s")}
        for name, own in rows.groupby("pruned", sort=False):
            line, marker = looks[own["precision"].iloc[0]]
            panel.plot(
                own["kept"],
                own["time"],
                color=colors[own["way"].iloc[0]],
                linestyle=line,
                marker=marker,
                markeredgecolor="white",
                label=str(name),
            )
        panel.set(
            xlabel="parameters kept of the layers", ylabel="time over that of dense, same precision", xlim=(0, 1.02)
        )
        panel.set_yscale("log")
        panel.set_yticks(_TICKS, minor=False)
        panel.set_yticks([], minor=True)
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
        canvas.suptitle(
            f"{on['hardware']}, {on['num_threads']} threads; {use.batch} texts of {use.length} tokens", fontsize=10.5
        )
        save(canvas, path)
