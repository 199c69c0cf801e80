"""The style of figures, and their files."""

from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from lit_prune.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure  # takes a second

STYLE = {"axes.spines.top": False, "axes.spines.right": False, "grid.color": "0.92", "axes.edgecolor": "0.4"}
FONTS = {"font.size": 10, "axes.titlesize": 10.5, "axes.labelsize": 9.5, "legend.fontsize": 10}
PANEL = (3.4, 2.8)  # inches


def colors_of(names: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Return a color for each name: the color-blind can distinguish the first ten, further ten are darker."""
    import seaborn as sns  # takes a second

    return dict(zip(names, cycle([*sns.color_palette("colorblind"), *sns.color_palette("dark")]), strict=False))


def num_columns(num_panels: int) -> int:
    """Return the number of panels side by side: at most three."""
    return 2 if num_panels == 4 else min(num_panels, 3)


def save(canvas: "Figure", path: Path) -> None:
    """Write a figure as PNG, and as PDF beside it; equal figures give equal files.

    Args:
        canvas: The figure.
        path: The PNG.
    """
    write_atomically(path, lambda partial: canvas.savefig(partial, format="png"))
    undated = {"CreationDate": None}
    write_atomically(path.with_suffix(".pdf"), lambda partial: canvas.savefig(partial, format="pdf", metadata=undated))
