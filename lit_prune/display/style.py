"""Style of figures, and their files."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from lit_prune.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axis import Axis  # slow to import
    from matplotlib.figure import Figure

STYLE = {
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "0.92",
    "axes.edgecolor": "0.4",
}
FONTS = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 9.5,
    "legend.fontsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}
PANEL = (3.4, 2.8)  # inches
COLUMN = 4.2  # inches: the width of a figure that a phone shows in full


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the package's style, with text as it is: a `$` of a run's text does not begin a formula."""
    import matplotlib as mpl  # not above: slow to import
    import seaborn as sns

    with (
        sns.plotting_context("paper", rc=FONTS),
        sns.axes_style("ticks", STYLE),
        mpl.rc_context({"text.parse_math": False}),
    ):
        yield


def set_log_ticks(axis: "Axis") -> None:
    """Label an axis of logarithmic scale with plain numbers, as matplotlib's own labels are formulas."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # not above: slow to import

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def colors_of(names: Iterable[str]) -> dict[str, tuple[float, float, float]]:
    """Return a color for each name: ten that color-blind readers can distinguish, then ten darker ones."""
    import seaborn as sns  # not above: slow to import

    return dict(zip(names, cycle([*sns.color_palette("colorblind"), *sns.color_palette("dark")]), strict=False))


def num_columns(num_panels: int) -> int:
    """Return the number of panels in a row: three at most."""
    return 2 if num_panels == 4 else min(num_panels, 3)


def save(canvas: "Figure", path: Path) -> None:
    """Write a figure as PNG, and as PDF beside it; the files depend on the figure alone.

    Args:
        canvas: The figure.
        path: The PNG.
    """
    write_atomically(path, lambda partial: canvas.savefig(partial, format="png"))
    undated = {"CreationDate": None}
    write_atomically(path.with_suffix(".pdf"), lambda partial: canvas.savefig(partial, format="pdf", metadata=undated))
