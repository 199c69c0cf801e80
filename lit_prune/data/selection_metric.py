"""Checks of the metric that selects checkpoints, on the rows that it is computed on."""

import math
from collections.abc import Sequence

import torch

from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError


def selecting_set(sets: Sequence[EvaluationSet]) -> EvaluationSet:
    """Return the set of a task that selects checkpoints: the validation cut, else `id`."""
    return min((each for each in sets if each.split in ("validation", "id")), key=lambda each: each.split == "id")


def check_selection(task: Task, sets: Sequence[EvaluationSet]) -> None:
    """Check that a task's selection metric can distinguish models on the set that selects.

    Args:
        task: The task.
        sets: Its evaluation sets.

    Raises:
        UserError: the metric is undefined there, such as the AUROC if all rows have one label.
    """
    each = selecting_set(sets)
    logits = torch.randn(each.logits_shape, generator=torch.Generator().manual_seed(0))
    value = each.metrics(logits).get(task.selection, math.nan)
    if task.selection in each.undefined or not math.isfinite(value):
        raise UserError(
            f"selection of task {task.name!r} must be a metric that is defined on {each.name} ({len(each.rows)} rows), "
            f"got {task.selection!r}: these rows lack labels that it needs; select by another metric, or give rows of "
            "several labels (data.validation_fraction cuts some from the training set)"
        )
