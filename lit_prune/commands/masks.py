"""`lit_prune masks`: what the subnetworks of runs keep, and how much of it they share."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from jsonargparse import ArgumentParser
from rich.console import Console

from lit_prune.compare.counts import Counts, count
from lit_prune.compare.sources import open_all
from lit_prune.compare.tables import kept_rows, overlap_rows, tables
from lit_prune.display.table import Table
from lit_prune.files import new_path, write_folder, writing

_CONSOLE_ROWS = 40
_FILE_WIDTH = 160  # of what is piped into a file


def run(arguments: Sequence[str]) -> None:
    """Compare as the arguments of `lit_prune masks` say."""
    parser = ArgumentParser(
        prog="lit_prune masks",
        exit_on_error=False,
        description="Show what runs keep of each layer and kind of matrix, and how much of it each two of them share.",
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="Folder of a finished run, logs/<experiment>/version_<n>, or of exported masks, or, where a run's masks "
        "differ by task, its <task>_masks.safetensors; all of one architecture.",
    )
    parser.add_argument(
        "--out",
        type=str | None,
        help="A new folder for what is shown: masks.md, kept.csv and kept.png, with several runs overlap.csv and "
        "overlap.png too (each picture as pdf as well).",
    )
    said = parser.parse_args(list(arguments))
    compare(said.runs, said.out)


def compare(runs: Sequence[str], out: str | None = None) -> None:
    """Show what runs keep, and how much of it each two of them share.

    Args:
        runs: Folders of finished runs, or of exports of masks, or files of masks in the former.
        out: The folder to write: a new one, or an empty one; None: only print.

    Raises:
        UserError: a folder holds no masks or is given twice, masks are of different matrices, or `out` is not empty.
    """
    folder = None if out is None else new_path(out, folder=True)
    counts = count(open_all(runs))
    shown = tables(counts)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    for table in shown:
        console.print(table.rich(_CONSOLE_ROWS, file="masks.md (give --out DIR)" if out is None else f"{out}/masks.md"))
    if folder is not None:
        with writing(folder):
            write_folder(folder, partial(_write, counts, shown))
        console.print(str(out), highlight=False, markup=False, soft_wrap=True)


def _write(counts: Counts, shown: Sequence[Table], folder: Path) -> None:
    from lit_prune.compare.figures import MOST_PANELS, draw_kept, draw_overlap  # not above: it takes a second

    kept_rows(counts).to_csv(folder / "kept.csv", index=False)
    draw_kept(counts, folder)
    pictures = ["![What each run keeps](kept.png)"]
    if len(counts.names) > MOST_PANELS:
        pictures.append(f"The picture shows the first {MOST_PANELS} of {len(counts.names)} runs.")
    if counts.pairs:
        overlap_rows(counts).to_csv(folder / "overlap.csv", index=False)
        draw_overlap(counts, folder)
        pictures.append("![How much each two runs share](overlap.png)")
    (folder / "masks.md").write_text("\n\n".join([*(table.markdown() for table in shown), *pictures]) + "\n")
