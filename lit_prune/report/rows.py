"""Metrics as functions of row weights, computed from the predictions of a run, for the bootstrap."""

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute
from numpy.typing import NDArray

from lit_prune.errors import UserError
from lit_prune.files import check_undamaged
from lit_prune.parquet import read_parquet_table
from lit_prune.report.results import Key
from lit_prune.report.run import Run
from lit_prune.report.statistics import Floats, RowStatistic, weighted_auroc, weighted_mean

PREDICTIONS = pyarrow.schema(
    [(name, pyarrow.string()) for name in ("id", "task", "split", "label", "prediction")]
    + [("logits", pyarrow.list_(pyarrow.float64())), ("loss", pyarrow.float64())]
)


@dataclass(frozen=True)
class Rows:
    """Predictions for one evaluation set, in the order of row ids.

    Attributes:
        ids: (rows,).
        labels: (rows,).
        predictions: (rows,).
        logits: (rows, classes).
        losses: (rows,).
    """

    ids: NDArray[np.object_]
    labels: NDArray[np.object_]
    predictions: NDArray[np.object_]
    logits: Floats
    losses: Floats

    def has_same_rows(self, other: "Rows") -> bool:
        """True if both have equal ids and labels."""
        return np.array_equal(self.ids, other.ids) and np.array_equal(self.labels, other.labels)


def read_rows(run: Run, key: Key) -> Rows | None:
    """Return the predictions that a metric was computed from.

    None if the run did not write them, or, with a warning, if their file is damaged.

    Args:
        run: The run.
        key: The metric.
    """
    files = {"result": f"{run.files}predictions.parquet", "dense": "dense_predictions.parquet"}
    path = run.folder / files.get(key.model, "")
    try:
        return _read(path, key.task, key.split) if path.is_file() else None
    except UserError as error:
        warnings.warn(f"{error}: intervals of this run do not include its rows", stacklevel=2)
        return None


@lru_cache(maxsize=32)
def _read(path: Path, task: str, split: str) -> Rows | None:
    check_undamaged(path)
    is_of_set = (pyarrow.compute.field("task") == task) & (pyarrow.compute.field("split") == split)
    table = read_parquet_table(path, PREDICTIONS).filter(is_of_set).sort_by("id")
    if not len(table):
        return None
    ids, labels, predictions = (table[name].to_numpy(zero_copy_only=False) for name in ("id", "label", "prediction"))
    lengths = pyarrow.compute.list_value_length(table["logits"]).to_numpy()
    logits = pyarrow.compute.list_flatten(table["logits"]).to_numpy()
    if lengths.min() != lengths.max() or lengths[0] == 0:
        raise UserError(
            f"{path} must have equally many logits in all rows of {task}/{split}, got {lengths.min()} to "
            f"{lengths.max()}: restore the file"
        )
    logits = logits.reshape(len(table), -1)
    return Rows(ids, labels, predictions, logits, table["loss"].to_numpy())


def row_statistic(rows: Rows, metric: str, recorded: float) -> RowStatistic | None:
    """Return a metric as a function of row weights.

    Args:
        rows: The rows of the evaluation set.
        metric: `accuracy`, `accuracy_<class>`, `predicted_share_<class>`, `loss` or `auroc`.
        recorded: Value in the run's metrics, which identifies the positive class of the AUROC.

    Returns:
        None if the metric cannot be computed from the rows, or has another value than the recorded one.
    """
    equal_weights = np.ones((1, len(rows.ids)))
    for statistic in _candidates(rows, metric):
        if math.isclose(float(statistic(equal_weights)[0]), recorded, rel_tol=1e-5, abs_tol=1e-6):
            return statistic
    return None


def _candidates(rows: Rows, metric: str) -> list[RowStatistic]:
    all_rows = np.ones(len(rows.ids), dtype=bool)
    correct = (rows.labels == rows.predictions).astype(float)
    if metric == "auroc":
        return _areas(rows)
    if metric == "accuracy":
        return [partial(weighted_mean, values=correct, counted=all_rows)]
    if metric == "loss":
        return [partial(weighted_mean, values=rows.losses, counted=all_rows)]
    if metric.startswith("predicted_share_"):
        predicted = (rows.predictions == metric.removeprefix("predicted_share_")).astype(float)
        return [partial(weighted_mean, values=predicted, counted=all_rows)]
    of_class = rows.labels == metric.removeprefix("accuracy_")
    return [partial(weighted_mean, values=correct, counted=of_class)] if of_class.any() else []


def _areas(rows: Rows) -> list[RowStatistic]:
    """Return the AUROC of each class against each label, first the label that is predicted for the class."""
    powers = np.exp(rows.logits - rows.logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    predicted = dict(zip(rows.logits.argmax(axis=1).tolist(), rows.predictions, strict=True))
    pairs = [(number, label) for number in range(probabilities.shape[1]) for label in np.unique(rows.labels)]
    pairs.sort(key=lambda pair: predicted.get(pair[0]) != pair[1])
    return [
        partial(weighted_auroc, scores=probabilities[:, number], positive=rows.labels == label)
        for number, label in pairs
    ]
