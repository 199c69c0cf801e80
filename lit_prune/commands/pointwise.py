"""`lit_prune pointwise`: how far the loss of a training row moves when a model is trained without it.

Fu et al. 2023, Definition 3 (pointwise hypothesis stability), measured.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jsonargparse import ArgumentParser

from lit_prune.data.closed import add_plugins
from lit_prune.evaluate.left_out import left_out_set
from lit_prune.evaluate.logits import predict_sets
from lit_prune.export.trained import read_run
from lit_prune.hardware.device import device_named


def run(arguments: Sequence[str]) -> None:
    """Measure as the arguments of `lit_prune pointwise` say."""
    parser = ArgumentParser(
        prog="lit_prune pointwise",
        exit_on_error=False,
        description="How far the losses of training rows move when they are left out: the mean change, by run and over "
        "all. The definition leaves out one row at a time; runs lack a share of them, so this is an "
        "upper estimate.",
    )
    parser.add_argument(
        "whole", type=str, help="Folder of a run that had all its training rows, logs/<experiment>/version_<n>."
    )
    parser.add_argument(
        "parts",
        nargs="+",
        type=str,
        help="Folders of runs that lacked some (data.perturbation) and are else the same, as `lit_prune stability "
        "--perturb` makes them.",
    )
    parser.add_argument("--task", type=str | None, help="The task, where the runs have several.")
    parser.add_argument("--batch_size", type=int, default=64, help="Rows per batch (default: %(default)s).")
    parser.add_argument("--device", type=str, default="auto", help="cpu or cuda; auto is cuda where there is one.")
    parser.add_argument("--root", type=str | None, help="The folder of the runs' files, if their rows come from files.")
    add_plugins(parser)
    said = parser.parse_args(list(arguments))
    parts = [Path(each) for each in said.parts]
    pointwise(Path(said.whole), parts, said.task, said.batch_size, said.device, said.plugins, said.root)


def pointwise(
    whole: Path,
    parts: Sequence[Path],
    task: str | None,
    batch_size: int,
    device: str,
    plugins: Sequence[str] = (),
    root: str | None = None,
) -> float:
    """Print the mean change of the losses of rows left out, by run and over all, in units of the loss.

    Args:
        whole: Folder of the run that had every row.
        parts: Folders of runs that lacked some.
        task: The task, where the runs have several.
        batch_size: Rows per batch.
        device: cpu or cuda; auto is cuda where there is one.
        plugins: Modules of yours whose classes of tasks and sources the runs may name.
        root: The folder of the runs' files, if their rows come from files.

    Returns:
        The mean over all rows of all runs.

    Raises:
        UserError: a run is not finished, or had all its rows, or has other tasks.
    """
    place = device_named(device)
    reference = read_run(whole, task, plugins)
    changes = []
    for part in parts:
        trained = read_run(part, task, plugins)
        rows = left_out_set(trained, root)
        losses = [
            np.array(predicted.of.columns(predicted.logits)["loss"])
            for model in (trained, reference)
            for predicted in predict_sets(model, [rows], batch_size, place)
        ]
        changes.append(np.abs(losses[0] - losses[1]))
        print(f"{changes[-1].mean():.4f}  {len(changes[-1])} rows of {part}")
    mean = float(np.concatenate(changes).mean())
    spread = float(np.std([each.mean() for each in changes], ddof=1)) if len(changes) > 1 else float("nan")
    print(f"{mean:.4f}  mean; standard deviation over {len(changes)} runs {spread:.4f}")
    return mean
