"""Predictions on disk, and the dense model's metrics under the shift that a debiased model has to beat."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow
import torch
from datasets import concatenate_datasets
from torch import Tensor

from lit_prune import metrics
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Predicted
from lit_prune.files import check_undamaged, write_recorded
from lit_prune.parquet import read_parquet_table

_LOGITS = pyarrow.schema(
    [("task", pyarrow.string()), ("split", pyarrow.string()), ("logits", pyarrow.list_(pyarrow.float64()))]
)


def write_predictions(predicted: Sequence[Predicted], path: Path) -> None:
    """Write a row per example of every evaluation set: id, task, split, label, prediction, logits, loss."""
    rows = concatenate_datasets([each.to_rows() for each in predicted])
    write_recorded(path, rows.to_parquet)


def read_logits(sets: Sequence[EvaluationSet], path: Path) -> list[Predicted]:
    """Return the logits that `write_predictions` wrote, of those of these sets that have classes.

    Raises:
        UserError: the file is damaged, or does not have a row for each row of a set.
    """
    check_undamaged(path)
    table = read_parquet_table(path, _LOGITS).to_pydict()
    rows: dict[tuple[str, str], list[list[float]]] = {}
    for task, split, logits in zip(table["task"], table["split"], table["logits"], strict=True):
        rows.setdefault((task, split), []).append(logits)
    return [
        Predicted(each, _tensor(rows[each.task, each.split], each, path))
        for each in sets
        if each.labels and (each.task, each.split) in rows
    ]


def _tensor(rows: Sequence[Sequence[float]], of: EvaluationSet, path: Path) -> Tensor:
    try:
        return torch.tensor(rows).reshape(of.logits_shape)
    except (RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{path} must have logits {of.logits_shape} of {of.name}, got others: restore it") from error


def shifted_metrics(dense: Sequence[Predicted], other: Sequence[Predicted]) -> dict[str, float]:
    """Metrics of the dense model once its positive logit is shifted to predict as many positives as another model.

    For each OOD set the shift is the one that matches the number predicted positive there; `id` is read under the
    shift of the task's first OOD set. Tasks without a positive class have none. What a debiased model gains beyond
    this row is more than a change of threshold.
    """
    result: dict[str, float] = {}
    by_name: Mapping[str, Predicted] = {each.of.name: each for each in other}
    shifted_tasks = set()
    for each in dense:
        if not each.of.split.startswith("ood") or each.of.positive is None:
            continue
        positive = each.of.class_map[each.of.positive]
        num_positive = int((metrics.predictions(by_name[each.of.name].logits, each.of.class_map) == positive).sum())
        shift = metrics.matched_shift(each.logits, each.of.positive, num_positive)
        result |= _shifted(each, shift).metrics() | {f"{each.of.name}/shift": shift}
        if each.of.task not in shifted_tasks:
            shifted_tasks.add(each.of.task)
            for same in dense:
                if same.of.name == f"{each.of.task}/id":
                    result |= _shifted(same, shift).metrics()
    return result


def _shifted(predicted: Predicted, shift: float) -> Predicted:
    logits = predicted.logits.clone()
    logits[:, predicted.of.positive] -= shift
    return Predicted(predicted.of, logits)
