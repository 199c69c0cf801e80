"""Predictions on disk, and the dense model's metrics under the shift that a debiased model has to beat."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet
import torch
from datasets import concatenate_datasets

from lit_prune import metrics
from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.files import check_undamaged, write_recorded
from lit_prune.paradigms.evaluation import Predicted


def write_predictions(predicted: Sequence[Predicted], path: Path) -> None:
    """One row per row of every evaluation set: id, task, split, label, prediction, logits, loss."""
    rows = concatenate_datasets([each.to_rows() for each in predicted])
    write_recorded(path, rows.to_parquet)


def read_logits(sets: Sequence[EvaluationSet], path: Path) -> list[Predicted]:
    """The logits that `write_predictions` wrote of those of these sets that have classes."""
    check_undamaged(path)
    table = pyarrow.parquet.read_table(path, columns=["task", "split", "logits"]).to_pydict()
    rows: dict[tuple[str, str], list[list[float]]] = {}
    for task, split, logits in zip(table["task"], table["split"], table["logits"], strict=True):
        rows.setdefault((task, split), []).append(logits)
    return [
        Predicted(each, torch.tensor(rows[each.task, each.split]))
        for each in sets
        if each.labels and (each.task, each.split) in rows
    ]


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
