"""TensorBoard view of a study: axes and final metrics of runs, and a layout of curves."""

import re
import time
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard.summary import custom_scalars, hparams, scalar

from lit_prune.files import write_atomically
from lit_prune.report.naming import metric_label
from lit_prune.report.results import Results

FILE = "events.out.tfevents.0.report"  # always the same name: a new report replaces the previous one
_SPARSITY = {
    "of all masked weights": r"^sparsity/total$",
    "by kind of matrix": r"^sparsity/target/",
    "by layer": r"^sparsity/layer/",
    "mask entries flipped": r"^mask/flipped$",
}


def write_board(results: Results, metrics: Iterable[str], folder: Path) -> None:
    """Write event files for the HParams and Custom Scalars views.

    `folder` gets the layout and the columns; `folder`/<run> gets the axes, final sparsity and metrics of a complete
    run, at its last step. A run whose name cannot be a folder is left out with a warning.

    Args:
        results: The runs.
        metrics: Metrics `<task>/<split>/<metric>` to show; those that no run has are ignored.
        folder: Target folder, below the study's folder, so that `tensorboard --logdir` finds it beside the runs.
    """
    known = {key.name for key in results.keys}
    metrics = [name for name in metrics if name in known]
    columns = {name: results.column("result", name) for name in ["sparsity", *metrics]}
    steps = results.column("result", "steps")
    axes = {axis: value for run in results.runs for axis, value in run.axes.items()}
    charts = {metric_label(name): ["Multiline", [f"^{re.escape(name)}$"]] for name in metrics}
    sparsity = {name: ["Multiline", [tag]] for name, tag in _SPARSITY.items()}
    layout = custom_scalars({"sparsity": sparsity, "metrics": charts})
    _write([(0, layout), (0, hparams(axes, dict.fromkeys(columns, 0.0))[0])], folder)
    for number, run in enumerate(results.runs):
        if run.status == "completed":
            _, start, end = hparams(dict(run.axes), {})
            step = int(steps[number]) if 0 <= steps[number] < 2**63 else 0  # NaN is not
            values = {name: column[number] for name, column in columns.items() if not np.isnan(column[number])}
            scalars = [(step, scalar(name, value)) for name, value in values.items()]
            try:
                _write([(0, start), *scalars, (step, end)], folder / run.name)
            except OSError as error:
                warnings.warn(f"{folder / run.name} must be a new folder, got {error}: rename the run", stacklevel=2)


def _write(summaries: Iterable[tuple[int, Summary]], folder: Path) -> None:
    now = time.time()

    def write(path: Path) -> None:
        with path.open("wb") as file:
            writer = RecordWriter(file)
            writer.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
            for step, summary in summaries:
                writer.write(Event(wall_time=now, step=step, summary=summary).SerializeToString())

    write_atomically(folder / FILE, write)
