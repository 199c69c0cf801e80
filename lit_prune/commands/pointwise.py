"""`lit_prune stability pointwise`: pointwise hypothesis stability (Fu et al. 2023, Definition 3).

The change of a training example's loss when the model is trained without the example.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lit_prune.commands.parser import command_parser
from lit_prune.data.closed import add_plugins
from lit_prune.evaluate.left_out import left_out_set
from lit_prune.evaluate.logits import predict_sets
from lit_prune.export.trained import read_run
from lit_prune.hardware.device import device_named


def run(arguments: Sequence[str]) -> None:
    """Measure pointwise stability with the arguments of `lit_prune stability pointwise`."""
    parser = command_parser(
        "stability pointwise",
        "Measure the mean change of the loss of training examples that are left out, by run and over all "
        "runs. The definition leaves out one example at a time; runs leave out a fraction, so this is an upper "
        "estimate.",
        "lit_prune stability pointwise logs/dense/version_0 logs/studies/dense_stability/*/version_0",
    )
    parser.add_argument(
        "whole", type=str, help="Folder of a run with the whole training set, logs/<experiment>/version_<n>."
    )
    parser.add_argument(
        "parts",
        nargs="+",
        type=str,
        help="Folders of runs with a part of the training set left out (data.perturbation) and else equal settings, "
        "such as the runs of `lit_prune stability --perturb`.",
    )
    parser.add_argument("--task", type=str | None, help="The task, if the runs have several.")
    parser.add_argument("--batch_size", type=int, default=64, help="Examples per batch (default: %(default)s).")
    parser.add_argument("--device", type=str, default="auto", help="cpu, cuda, or auto: cuda if available.")
    parser.add_argument("--root", type=str | None, help="Folder of the runs' data files, if they read files.")
    add_plugins(parser)
    parsed = parser.parse_args(list(arguments))
    parts = [Path(part) for part in parsed.parts]
    pointwise(Path(parsed.whole), parts, parsed.task, parsed.batch_size, parsed.device, parsed.plugins, parsed.root)


def pointwise(
    whole: Path,
    parts: Sequence[Path],
    task: str | None,
    batch_size: int,
    device: str,
    plugins: Sequence[str] = (),
    root: str | None = None,
) -> float:
    """Print the mean change of the losses of left-out examples, by run and over all runs.

    Args:
        whole: Folder of the run with the whole training set.
        parts: Folders of runs with a part of the training set left out.
        task: The task, if the runs have several.
        batch_size: Examples per batch.
        device: cpu, cuda, or auto: cuda if available.
        plugins: Your modules with classes of tasks and sources that the runs use.
        root: Folder of the runs' data files, if they read files.

    Returns:
        The mean over all left-out examples of all runs.

    Raises:
        UserError: A run is incomplete, has another task, or left out no example.
    """
    device = device_named(device)
    reference = read_run(whole, task, plugins)
    changes = []
    for part in parts:
        trained = read_run(part, task, plugins)
        rows = left_out_set(trained, root)
        losses = [
            np.array(predicted.of.columns(predicted.logits)["loss"])
            for model in (trained, reference)
            for predicted in predict_sets(model, [rows], batch_size, device)
        ]
        changes.append(np.abs(losses[0] - losses[1]))
        print(f"{changes[-1].mean():.4f}  {len(changes[-1])} rows of {part}")
    mean = float(np.concatenate(changes).mean())
    spread = float(np.std([each.mean() for each in changes], ddof=1)) if len(changes) > 1 else float("nan")
    print(f"{mean:.4f}  mean; standard deviation over {len(changes)} runs {spread:.4f}")
    return mean
