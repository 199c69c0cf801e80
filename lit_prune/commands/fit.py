"""`lit_prune fit`: train a model from a yaml, or resume a run."""

from collections.abc import Sequence

from lit_prune.fitting.cli import PruneCLI, quiet
from lit_prune.fitting.resume import requeued, resumed
from lit_prune.runs.summary import print_summary


def run(arguments: Sequence[str]) -> None:
    """Train with the arguments of `lit_prune fit`, and print the summary of the run and the path of its folder."""
    quiet()
    arguments, resume = resumed(requeued(list(arguments)))
    if resume is not None and (resume / "metrics.json").is_file():
        print_summary(resume)
        return
    cli = PruneCLI(["fit", *arguments], resume)
    if cli.trainer.is_global_zero:
        print_summary(cli.model.folder)
