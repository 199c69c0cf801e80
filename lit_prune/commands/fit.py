"""`lit_prune fit`: train a model from a yaml, or resume a run."""

from collections.abc import Sequence

from lit_prune.fitting.cli import PruneCLI, quiet
from lit_prune.fitting.resume import requeued, resumed
from lit_prune.runs.summary import print_summary


def run(arguments: Sequence[str]) -> None:
    """Train with the arguments of `lit_prune fit`, or print the summary of a run that is complete already."""
    quiet()
    arguments, resume = resumed(requeued(list(arguments)))
    if resume is not None and (resume / "metrics.json").is_file():
        print_summary(resume)
        return
    PruneCLI(["fit", *arguments], resume)
