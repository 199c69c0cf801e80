"""`lit_prune compare`: density and overlap of the subnetworks of runs."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lit_prune.commands.parser import command_parser
from lit_prune.compare.counts import Counts, count
from lit_prune.compare.sources import open_all
from lit_prune.compare.tables import density_rows, overlap_rows, tables
from lit_prune.display.console import wide_console
from lit_prune.display.table import Table
from lit_prune.files import new_path, write_folder, writing

_CONSOLE_ROWS = 40


def run(arguments: Sequence[str]) -> None:
    """Compare masks with the arguments of `lit_prune compare`."""
    parser = command_parser(
        "compare",
        "Compare the masks of runs: density by layer and target, and the overlap of each pair of runs. The overlap is "
        "shown beside that of independent random masks of the same densities.",
        "lit_prune compare logs/srnet_poe/version_0 logs/srnet_ce/version_0 --out compared",
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="Folder of a finished run, logs/<experiment>/version_<n>, or of exported masks, or a file "
        "<task>_masks.safetensors of a run with masks for each task. All runs must have the same architecture.",
    )
    parser.add_argument(
        "--out",
        type=str | None,
        help="A new folder for comparison.md, density.csv and density.png, for several runs also overlap.csv and "
        "overlap.png (figures as pdf too).",
    )
    parsed = parser.parse_args(list(arguments))
    compare(parsed.runs, parsed.out)


def compare(runs: Sequence[str], out: str | None = None) -> None:
    """Print the densities of runs and their pairwise overlaps, and write them if `out` is set.

    Args:
        runs: Folders of finished runs or of exported masks, or files of masks in a run's folder.
        out: A new or empty folder for the files, None for no files.

    Raises:
        UserError: A folder has no masks or is given twice, the masked matrices differ, or `out` is not empty.
    """
    folder = None if out is None else new_path(out, folder=True)
    counts = count(open_all(runs))
    shown = tables(counts)
    console = wide_console()
    for table in shown:
        file = "comparison.md (set --out DIR)" if out is None else f"{out}/comparison.md"
        console.print(table.rich(_CONSOLE_ROWS, file=file))
    if folder is not None:
        with writing(folder):
            write_folder(folder, partial(_write, counts, shown))
        console.print(str(out), highlight=False, markup=False, soft_wrap=True)


def _write(counts: Counts, shown: Sequence[Table], folder: Path) -> None:
    from lit_prune.compare.figures import MOST_PANELS, draw_density, draw_overlap  # not above: slow to import

    density_rows(counts).to_csv(folder / "density.csv", index=False)
    draw_density(counts, folder)
    pictures = ["![Density of each run](density.png)"]
    if len(counts.names) > MOST_PANELS:
        pictures.append(f"The figure shows the first {MOST_PANELS} of {len(counts.names)} runs.")
    if counts.pairs:
        overlap_rows(counts).to_csv(folder / "overlap.csv", index=False)
        draw_overlap(counts, folder)
        pictures.append("![Overlap of each pair of runs](overlap.png)")
    (folder / "comparison.md").write_text("\n\n".join([*(table.markdown() for table in shown), *pictures]) + "\n")
