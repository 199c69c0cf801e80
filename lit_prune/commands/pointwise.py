"""`lit_prune stability pointwise`: pointwise hypothesis stability (Fu et al. 2023, Definition 3).

The change of a training example's loss when the model is trained without the example.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lit_prune.commands.parser import command_parser
from lit_prune.data.closed import add_plugins
from lit_prune.errors import UserError
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
        "estimate. A run of another seed that left out nothing (--control) shows how much of it is due to chance.",
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
    parser.add_argument(
        "--control",
        type=str | None,
        help="Folder of a run with the whole training set and another seed: the change of the same examples' losses "
        "without leaving any out. Both runs need the same examples (data.rows_seed).",
    )
    parser.add_argument("--task", type=str | None, help="The task, if the runs have several.")
    parser.add_argument("--batch_size", type=int, default=64, help="Examples per batch (default: %(default)s).")
    parser.add_argument("--device", type=str, default="auto", help="cpu, cuda, or auto: cuda if available.")
    parser.add_argument("--root", type=str | None, help="Folder of the runs' data files, if they read files.")
    add_plugins(parser)
    parsed = parser.parse_args(list(arguments))
    parts = [Path(part) for part in parsed.parts]
    control = None if parsed.control is None else Path(parsed.control)
    further = parsed.task, parsed.batch_size, parsed.device, parsed.plugins, parsed.root
    pointwise(Path(parsed.whole), parts, *further, control)


def pointwise(
    whole: Path,
    parts: Sequence[Path],
    task: str | None,
    batch_size: int,
    device: str,
    plugins: Sequence[str] = (),
    root: str | None = None,
    control: Path | None = None,
) -> float:
    """Print the mean change of the losses of left-out examples, by run and over all runs.

    With a control, print beside it how far the losses of the same examples differ between two seeds of the whole
    training set.

    Args:
        whole: Folder of the run with the whole training set.
        parts: Folders of runs with a part of the training set left out.
        task: The task, if the runs have several.
        batch_size: Examples per batch.
        device: cpu, cuda, or auto: cuda if available.
        plugins: Your modules with classes of tasks and sources that the runs use.
        root: Folder of the runs' data files, if they read files.
        control: Folder of a run with the whole training set and another seed. If None, nothing is printed beside.

    Returns:
        The mean over all left-out examples of all runs.

    Raises:
        UserError: A run is incomplete, has another task, or left out no example, or the control has other examples.
    """
    device = device_named(device)
    reference = read_run(whole, task, plugins)
    repeated = [] if control is None else [read_run(control, task, plugins)]
    for each in repeated:
        if each.record["data_hash"] != reference.record["data_hash"]:
            raise UserError(
                f"--control must be a run with the examples of {whole}, got {each.run} with others: set data.rows_seed "
                "for both"
            )
    changes, chances = [], []
    for part in parts:
        trained = read_run(part, task, plugins)
        rows = left_out_set(trained, root)
        own, of_reference, *of_control = (
            np.array(predicted.of.columns(predicted.logits)["loss"])
            for model in (trained, reference, *repeated)
            for predicted in predict_sets(model, [rows], batch_size, device)
        )
        changes.append(np.abs(own - of_reference))
        chances += [np.abs(losses - of_reference) for losses in of_control]
        print(f"{changes[-1].mean():.4f}  {len(changes[-1])} rows of {part}{_by_chance(chances[-1:])}")
    mean = float(np.concatenate(changes).mean())
    spread = float(np.std([each.mean() for each in changes], ddof=1)) if len(changes) > 1 else float("nan")
    print(f"{mean:.4f}  mean; standard deviation over {len(changes)} runs {spread:.4f}{_by_chance(chances)}")
    return mean


def _by_chance(changes: Sequence[NDArray[np.float64]]) -> str:
    """Return the mean change between two seeds as a further part of a line, empty without a control."""
    return f"; {np.concatenate(changes).mean():.4f} between two seeds" if changes else ""
