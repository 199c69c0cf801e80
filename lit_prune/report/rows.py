"""A run's metric as a function of how often each row of its set is counted, from the predictions it left behind."""

import math
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
    """The rows of one set, in the order of their ids.

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

    def same_rows(self, other: "Rows") -> bool:
        """Whether both are of the same rows, as far as their ids and labels tell."""
        return np.array_equal(self.ids, other.ids) and np.array_equal(self.labels, other.labels)


def read_rows(run: Run, key: Key) -> Rows | None:
    """The rows behind a metric; None where the run left none of that model and set.

    Args:
        run: The run.
        key: The metric.
    """
    files = {"result": f"{run.files}predictions.parquet", "dense": "dense_predictions.parquet"}
    path = run.folder / files.get(key.model, "")
    return _read(path, key.task, key.split) if path.is_file() else None


@lru_cache(maxsize=32)
def _read(path: Path, task: str, split: str) -> Rows | None:
    check_undamaged(path)
    mine = (pyarrow.compute.field("task") == task) & (pyarrow.compute.field("split") == split)
    table = read_parquet_table(path, PREDICTIONS).filter(mine).sort_by("id")
    if not len(table):
        return None
    ids, labels, predictions = (table[name].to_numpy(zero_copy_only=False) for name in ("id", "label", "prediction"))
    lengths = pyarrow.compute.list_value_length(table["logits"]).to_numpy()
    logits = pyarrow.compute.list_flatten(table["logits"]).to_numpy()
    if lengths.min() != lengths.max() or lengths[0] == 0:
        raise UserError(f"{path} must have as many logits in each row of {task}/{split}: restore the file")
    logits = logits.reshape(len(table), -1)
    return Rows(ids, labels, predictions, logits, table["loss"].to_numpy())


def row_statistic(rows: Rows, metric: str, recorded: float) -> RowStatistic | None:
    """The metric under weights of its rows.

    Args:
        rows: The rows of its set.
        metric: `accuracy`, `accuracy_<class>`, `predicted_share_<class>`, `loss` or `auroc`.
        recorded: Its value in the run's record. The class that the AUROC is of is the one that gives this value.

    Returns:
        None where the rows do not tell the metric (groups are not among them), or tell another value.
    """
    once = np.ones((1, len(rows.ids)))
    for statistic in _candidates(rows, metric):
        if math.isclose(float(statistic(once)[0]), recorded, rel_tol=1e-5, abs_tol=1e-6):
            return statistic
    return None


def _candidates(rows: Rows, metric: str) -> list[RowStatistic]:
    everywhere = np.ones(len(rows.ids), dtype=bool)
    correct = (rows.labels == rows.predictions).astype(float)
    if metric == "auroc":
        return _areas(rows)
    if metric == "accuracy":
        return [partial(weighted_mean, values=correct, counted=everywhere)]
    if metric == "loss":
        return [partial(weighted_mean, values=rows.losses, counted=everywhere)]
    if metric.startswith("predicted_share_"):
        predicted = (rows.predictions == metric.removeprefix("predicted_share_")).astype(float)
        return [partial(weighted_mean, values=predicted, counted=everywhere)]
    of_class = rows.labels == metric.removeprefix("accuracy_")
    return [partial(weighted_mean, values=correct, counted=of_class)] if of_class.any() else []


def _areas(rows: Rows) -> list[RowStatistic]:
    """The AUROC of each class of the logits against each label; first the label that the class is read as."""
    powers = np.exp(rows.logits - rows.logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    read_as = dict(zip(rows.logits.argmax(axis=1).tolist(), rows.predictions, strict=True))
    pairs = [(number, label) for number in range(shares.shape[1]) for label in np.unique(rows.labels)]
    pairs.sort(key=lambda pair: read_as.get(pair[0]) != pair[1])
    return [partial(weighted_auroc, scores=shares[:, number], positive=rows.labels == label) for number, label in pairs]
