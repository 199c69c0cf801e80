"""Figure of claims: the margin of every pair of runs, with the mean and its interval, a panel per metric."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from lit_prune.display.markup import printable
from lit_prune.display.style import COLUMN, colors_of, drawing, save
from lit_prune.display.table import NONE
from lit_prune.report.claims import Judgement
from lit_prune.report.naming import display_factor, metric_label, unit_label

_SLOT = 0.2  # inches of a line of text or a row of points
_LETTERS = 56  # of a line of text
_COVER = {"facecolor": "w", "edgecolor": "none", "pad": 0.5}  # hides the line at 0 behind the text
_POINT, _DECIDED, _EXPLORATORY = "0.35", *list(colors_of(["decided", "exploratory"]).values())


def draw_margins(found: Sequence[Judgement], over: str, path: Path) -> dict[str, str]:
    """Draw the margins of claims, decided and exploratory ones in two colours.

    Args:
        found: The judgements; those without a margin are left out.
        over: The axis that is averaged over.
        path: The PNG to write, with a PDF beside it.

    Returns:
        The caption by the figure's name, empty if no claim has a margin.
    """
    by_metric: dict[str, list[tuple[Judgement, list[str]]]] = {}
    for each in found:
        if each.difference is not None:
            by_metric.setdefault(each.claim.metric, []).append((each, wrap(_label(each), _LETTERS)))
    if not by_metric:
        return {}
    heights = [sum(len(lines) + 1 for _, lines in rows) for rows in by_metric.values()]
    with drawing():
        size = COLUMN, _SLOT * sum(heights) + 0.9 * len(heights)
        canvas = Figure(figsize=size, dpi=200, layout=ConstrainedLayoutEngine(h_pad=0.06))
        panels = canvas.subplots(len(heights), 1, squeeze=False, height_ratios=heights).flat
        for panel, (metric, rows) in zip(panels, by_metric.items(), strict=True):
            _draw_panel(panel, metric, rows)
        save(canvas, path)
    caption = (
        f"Margins of claims. Points: single {over}s; diamonds: means, with their intervals; blue: decided by a test, "
        "orange: exploratory. A claim states that its margin is above 0."
    )
    return {path.stem: caption}


def _label(found: Judgement) -> str:
    return printable(found.claim.says + (f" ({found.place})" if found.place != NONE else ""))


def _draw_panel(panel: Axes, metric: str, rows: Sequence[tuple[Judgement, list[str]]]) -> None:
    """Draw rows of points from top to bottom, each below its claim."""
    factor = display_factor(metric)
    place = 0
    for found, lines in rows:
        margin = found.difference
        assert margin is not None  # draw_margins leaves such claims out
        panel.annotate(
            "\n".join(lines),
            (0, place + (len(lines) - 1) / 2),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            bbox=_COVER,
            annotation_clip=False,
        )
        place += len(lines)
        color = _EXPLORATORY if found.p_value is None else _DECIDED
        if margin.interval is not None:
            panel.plot(factor * np.array(margin.interval), [place] * 2, color=color, linewidth=2, zorder=2)
        panel.plot(factor * margin.mean, place, color=color, marker="D", markersize=4, zorder=3)
        values = factor * np.array(margin.values)
        panel.scatter(values, np.full(len(values), place), s=10, color=_POINT, edgecolors="w", linewidths=0.4, zorder=4)
        place += 1
    panel.set_ylim(place - 0.4, -0.6)
    panel.set_yticks([])
    panel.grid(visible=False, axis="y")
    panel.spines["left"].set_visible(False)
    panel.axvline(0, color="0.4", linewidth=0.8, zorder=1)
    panel.set_title(metric_label(metric), loc="left")
    panel.set_xlabel(f"margin, {unit_label(metric)}")
