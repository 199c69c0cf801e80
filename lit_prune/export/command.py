"""`lit_prune export`: a run's selected model as a folder for plain transformers."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import auto_cli

from lit_prune.errors import UserError
from lit_prune.export.dense import export_dense
from lit_prune.export.run import read_run


def export(run: str, out: str | None = None, task: str | None = None, dtype: str = "float32") -> None:
    """Write a run's selected model, its masks folded in, for AutoModelForSequenceClassification of plain transformers.

    Args:
        run: Folder of a complete run, logs/<experiment>/version_<n>.
        out: Folder to write, which must not exist or be empty; None: `export` in the run's folder.
        task: Whose head to take along; may be left out where there is one task.
        dtype: Of the weights: float32 (the trained values) or float16.
    """
    found = read_run(Path(run))
    if task is None and len(found.labels) > 1:
        raise UserError(f"{run} has the tasks {', '.join(found.labels)}: choose one by --task")
    folder = found.folder / "export" if out is None else Path(out)
    export_dense(found, task or next(iter(found.labels)), folder, dtype)
    print(folder)


def run(arguments: Sequence[str]) -> None:
    """Do what the arguments of `lit_prune export` say."""
    auto_cli(export, args=list(arguments), prog="lit_prune export", exit_on_error=False)
