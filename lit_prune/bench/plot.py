"""Relative time over density (Xia & Shin 2021, Fig. 1b)."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lit_prune.bench.inference import Speed, Workload
from lit_prune.bench.report import machine
from lit_prune.display.style import colors_of, drawing, save

_SIZE = (6.4, 3.8)  # inches, with the legend beside
_LABELS = {"rank": "ranks, two matrices each", "csr": "elements, sparse products"}  # by the first word of a name
_TICKS = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3)


def draw(speeds: Sequence[Speed], workload: Workload, path: Path) -> None:
    """Draw the time of pruned encoders relative to the dense one in the same precision, and the ratio of FLOPs.

    Args:
        speeds: Measurements of the dense encoder, then of encoders named `rank ...` or `csr ...`.
        workload: The workload that was measured.
        path: The PNG to write, with a PDF beside it.
    """
    rows = pd.DataFrame(
        {
            "kept": each.density,
            "time": each.ratio,
            "FLOPs": each.flop_ratio,
            "pruned": f"{_LABELS[each.name.split()[0]]}, {each.precision}",
            "kind": each.name.split()[0],
            "precision": each.precision,
        }
        for each in speeds
        if each.name != speeds[0].name
    ).sort_values("kept")
    environment = machine(workload.device)
    with drawing():
        canvas = Figure(figsize=_SIZE, dpi=200, layout="constrained")
        panel = canvas.subplots()
        panel.axhline(1, color="0.4", linewidth=0.9, label="dense")
        panel.plot(rows["kept"], rows["FLOPs"], color="0.4", linestyle=":", linewidth=1.2, label="by FLOPs alone")
        colors = colors_of(_LABELS)
        looks = {"fp32": ("-", "o"), "bf16": ("--", "X"), "int8": ("-.", "s")}
        for name, group in rows.groupby("pruned", sort=False):
            line, marker = looks[group["precision"].iloc[0]]
            panel.plot(
                group["kept"],
                group["time"],
                color=colors[group["kind"].iloc[0]],
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
        title = f"{environment['hardware']}, {environment['num_threads']} threads; "
        canvas.suptitle(f"{title}{workload.batch} texts of {workload.length} tokens", fontsize=10.5)
        save(canvas, path)
