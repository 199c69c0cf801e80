"""Figures of subnetworks: density by layer and target, and pairwise overlap."""

from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lit_prune.compare.counts import Counts
from lit_prune.display.style import save

MOST_PANELS = 24  # runs in the figure of densities
_ANNOTATED = 12  # runs up to which overlaps are written into their cells
_LARGEST = 20  # inches of the figure of overlaps
_COLUMNS = 3
_DARK = 60  # percent, below which a cell is too dark for black text
_LETTER = 0.08  # inches of a letter of a run's name
_FONTS = {"font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9}


def draw_density(counts: Counts, folder: Path) -> None:
    """Write density.png and density.pdf: densities by layer and target, a panel for each of the first runs."""
    num_panels = min(len(counts.names), MOST_PANELS)
    num_columns = min(num_panels, _COLUMNS)
    num_rows = -(-num_panels // num_columns)
    layers, targets = counts.all_layers, counts.all_targets
    densities = np.array([[counts.density(counts.select(layer, target)) for target in targets] for layer in layers])
    longest = max(map(len, counts.names))
    width = max(1.2 + 0.5 * len(targets), 0.8 + _LETTER * longest)
    size = (width * num_columns, (1.5 + 0.24 * len(layers)) * num_rows)
    with sns.plotting_context("paper", rc=_FONTS):
        canvas = Figure(figsize=size, dpi=200, layout="constrained")
        panels: list[Axes] = list(canvas.subplots(num_rows, num_columns, squeeze=False).flat)
        for number, panel in enumerate(panels):
            if number >= num_panels:
                panel.remove()
                continue
            # Not seaborn's heat map, which draws the whole figure again for each panel.
            panel.imshow(100 * densities[:, :, number], vmin=0, vmax=100, cmap="viridis", aspect="auto")
            for row, column in np.argwhere(~np.isnan(densities[:, :, number])):
                percent = 100 * densities[row, column, number]
                color = "white" if percent < _DARK else "black"
                panel.text(column, row, f"{percent:.0f}", size=6.5, ha="center", va="center", color=color)
            panel.set_xticks(range(len(targets)), [target.replace("_", " ") for target in targets], rotation=90)
            panel.set_yticks(range(len(layers)), layers)
            panel.spines[:].set_visible(False)
            panel.set_title(f"{number + 1}: {counts.names[number]}" if len(counts.names) > 1 else counts.names[0])
            panel.set_ylabel("layer")
        canvas.suptitle("density (% of weights)", fontsize=10)
        save(canvas, folder / "density.png")


def draw_overlap(counts: Counts, folder: Path) -> None:
    """Write overlap.png and overlap.pdf: overlaps of runs below the diagonal, of random masks above it."""
    num = len(counts.names)
    square = np.full((num, num), np.nan)
    for (first, second), found, by_chance in zip(counts.pairs, *counts.overlaps(counts.select()), strict=True):
        square[second, first], square[first, second] = found, by_chance
    side = 1.6 + min(max(0.5 * min(num, _ANNOTATED), 0.12 * num), _LARGEST)
    longest = max(map(len, counts.names))
    with sns.plotting_context("paper", rc=_FONTS):
        canvas = Figure(figsize=(side + _LETTER * longest, side), dpi=200, layout="constrained")
        panel = canvas.subplots()
        sns.heatmap(
            square,
            vmin=0,
            vmax=1,
            annot=num <= _ANNOTATED,
            fmt=".2f",
            annot_kws={"size": 7},
            cmap="viridis",
            square=True,
            xticklabels=[str(number + 1) for number in range(num)],
            yticklabels=[f"{number + 1}: {name}" for number, name in enumerate(counts.names)],
            cbar_kws={"label": "intersection over union"},
            ax=panel,
        )
        panel.set_title("overlap of kept weights\nbelow: of the runs; above: of random masks")
        panel.tick_params(axis="y", rotation=0)
        save(canvas, folder / "overlap.png")
