"""Figures of a task's bias model, and the check that it is not the model whose bias the task's source amplifies."""

import numpy as np
from datasets import Dataset
from lightning.pytorch.utilities import rank_zero_warn

from lit_prune.data.bias.column import biased_rows
from lit_prune.data.sources.amplified import BiasAmplified
from lit_prune.data.tasks.task import Task


def bias_report(task: Task, train: Dataset) -> dict[str, float]:
    """Compute the figures of a task's bias model, `BiasModel.report`, on the rows it was fitted on.

    Args:
        task: The task.
        train: Its training set, with the column `bias` if the task has a bias model.

    Returns:
        Figure -> value, empty without a bias model; `circular`, 1 or 0, if the source is a `BiasAmplified`.
    """
    if task.bias is None:
        return {}
    rows = biased_rows(train)
    figures = task.bias.report(np.array(rows["bias"][:]), np.array(rows["label"][:]), task.labels)
    return figures | ({"circular": float(_is_circular(task))} if isinstance(task.source, BiasAmplified) else {})


def warn_if_circular(task: Task) -> None:
    """Warn if the task's bias model is the one that its source amplifies."""
    if _is_circular(task):
        rank_zero_warn(
            f"task {task.name!r}: its bias model is the one that its source amplifies, and debiasing with it is "
            "circular: set another one"
        )


def _is_circular(task: Task) -> bool:
    source, bias = task.source, task.bias
    if bias is None or not isinstance(source, BiasAmplified):
        return False
    amplified, debiases = ({**each.fingerprint(), "folds": None} for each in (source.bias, bias))  # of one model
    return amplified == debiases
