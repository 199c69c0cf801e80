"""Pictures of subnetworks: what each keeps, layer by target, and how much each two share."""

from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lit_prune.compare.counts import Counts
from lit_prune.display.style import save

MOST_PANELS = 24  # runs that one picture shows what they keep of
_ANNOTATED = 12  # runs up to which each overlap is written into its square
_LARGEST = 20  # inches of the square of overlaps, however many runs
_COLUMNS = 3
_DARK = 60  # percent, below which a square is too dark for black figures
_LETTER = 0.08  # inches that a letter of a run's name takes
_FONTS = {"font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9}


def draw_kept(counts: Counts, folder: Path) -> None:
    """Write kept.png and kept.pdf: a panel per run (the first `MOST_PANELS`), layers by targets, share kept."""
    num_panels = min(len(counts.names), MOST_PANELS)
    num_columns = min(num_panels, _COLUMNS)
    num_rows = -(-num_panels // num_columns)
    layers, targets = counts.all_layers, counts.all_targets
    shares = np.array([[counts.share(counts.chosen(layer, target)) for target in targets] for layer in layers])
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
            # Not seaborn's heat map: it draws the whole picture again for each panel.
            panel.imshow(100 * shares[:, :, number], vmin=0, vmax=100, cmap="viridis", aspect="auto")
            for row, column in np.argwhere(~np.isnan(shares[:, :, number])):
                share = 100 * shares[row, column, number]
                color = "white" if share < _DARK else "black"
                panel.text(column, row, f"{share:.0f}", size=6.5, ha="center", va="center", color=color)
            panel.set_xticks(range(len(targets)), [target.replace("_", " ") for target in targets], rotation=90)
            panel.set_yticks(range(len(layers)), layers)
            panel.spines[:].set_visible(False)
            panel.set_title(f"{number + 1}: {counts.names[number]}" if len(counts.names) > 1 else counts.names[0])
            panel.set_ylabel("layer")
        canvas.suptitle("kept (% of weights)", fontsize=10)
        save(canvas, folder / "kept.png")


def draw_overlap(counts: Counts, folder: Path) -> None:
    """Write overlap.png and overlap.pdf: of each two runs, below the diagonal, and of random masks, above it."""
    num = len(counts.names)
    square = np.full((num, num), np.nan)
    for (one, other), found, by_chance in zip(counts.pairs, *counts.overlaps(counts.chosen()), strict=True):
        square[other, one], square[one, other] = found, by_chance
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
        panel.set_title("overlap of what is kept\nbelow: of the runs; above: of random masks")
        panel.tick_params(axis="y", rotation=0)
        save(canvas, folder / "overlap.png")
