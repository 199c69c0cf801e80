"""The metric that selects checkpoints, on the rows that it is computed on."""

import math
from collections.abc import Sequence

import torch

from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.data.task import Task
from lit_prune.errors import UserError

# The same for all models where all rows have the same label.
_NEED_SEVERAL_LABELS = ("matthews", "pearson", "spearman", "mean_correlation")


def selecting_set(sets: Sequence[EvaluationSet]) -> EvaluationSet:
    """Return the set of a task that selects: the validation cut, else `id`."""
    return min((each for each in sets if each.split in ("validation", "id")), key=lambda each: each.split == "id")


def check_selection(task: Task, sets: Sequence[EvaluationSet]) -> None:
    """Check that a task's selection metric tells models apart on the set that selects.

    Args:
        task: The task.
        sets: Its evaluation sets.

    Raises:
        UserError: the metric is undefined there, as the AUROC of rows that all have one label.
    """
    each = selecting_set(sets)
    logits = torch.randn(each.logits_shape, generator=torch.Generator().manual_seed(0))
    value = each.metrics(logits).get(task.selection, math.nan)
    labels = each.row_labels
    has_one = bool((labels == labels[:1]).all()) and task.selection in _NEED_SEVERAL_LABELS
    lacks_positive = (
        task.selection == "f1" and each.positive is not None and not (labels == each.class_map[each.positive]).any()
    )
    if has_one or lacks_positive or not math.isfinite(value):
        raise UserError(
            f"selection of task {task.name!r} must be a metric that is defined on {each.name} ({len(labels)} rows), "
            f"got {task.selection!r}: these rows lack labels that it needs; select by another metric, or give rows of "
            "several labels (data.validation_fraction cuts some from the training set)"
        )
