"""`lit_prune prepare`: download, check and tokenise the data and encoder of a fit, which then needs no network."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from lit_prune.data.public import MultitaskDataModule
from lit_prune.display.help import description
from lit_prune.fitting.cli import BuildingCLI, quiet
from lit_prune.paradigms.paradigm import Paradigm

# The machine that prepares data may have no GPU, so the run's hardware settings are replaced.
HERE = ("accelerator=cpu", "devices=1", "num_nodes=1", "strategy=auto", "precision=32-true", "logger=false")


class _PrepareCLI(BuildingCLI):
    """The preparation of the data of a fit."""

    def fit(self, model: Paradigm, datamodule: MultitaskDataModule) -> None:
        """Fill the caches and print the sizes of the data sets."""
        datamodule.prepare_data()
        table = Table("set", "rows", title=f"ready, with the encoder {model.encoder.name}")
        sets = {f"{name}/train": rows for name, rows in datamodule.train.items()}
        sets |= {each.name: each.rows for each in datamodule.evaluation_sets}
        for name, rows in sets.items():
            table.add_row(name, f"{len(rows):,}")
        Console(soft_wrap=True).print(table)


_PURPOSE = (
    "Download, check and tokenise the data and encoder of `lit_prune fit` with these arguments into the caches of "
    "Hugging Face (HF_HOME). The machine needs a network but no GPU; the fit then needs no network. Nothing is "
    "trained. `lit_prune fit --help` lists the arguments."
)


def run(arguments: Sequence[str]) -> None:
    """Prepare the data and encoder for the arguments of `lit_prune fit`."""
    if {"-h", "--help"} & set(arguments):
        print("usage: lit_prune prepare ARGUMENTS OF lit_prune fit\n")
        print(description(_PURPOSE, "lit_prune prepare --config configs/srnet_poe.yaml"))
        raise SystemExit(0)  # as the parsers of the other commands do
    quiet()
    _PrepareCLI(["fit", *arguments, *(f"--trainer.{each}" for each in HERE)])
