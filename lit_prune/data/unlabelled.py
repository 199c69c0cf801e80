"""Rows without a label in a training set."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset, concatenate_datasets

from lit_prune.data.bias.column import without_bias
from lit_prune.errors import UserError

if TYPE_CHECKING:
    from lit_prune.data.tasks.task import Task

IS_UNLABELLED = "is_unlabelled"  # true in rows without a label, null in others; a column of sets that have both


def with_unlabelled(task: "Task", train: Dataset, rows: Dataset) -> Dataset:
    """Add rows without a label to a training set, after its own; a bias model gives all of their classes equal shares.

    Raises:
        UserError: Training rows are pairs of texts and these are not, or the other way around.
    """
    if "text_b" in train.column_names and any(train["text_b"][:]) != all(rows["text_b"][:]):
        needed = "a second text" if any(train["text_b"][:]) else "one text"
        raise UserError(
            f"unlabelled rows of task {task.name!r} must have {needed}, as its training rows do, got others: correct "
            "`columns` of the file"
        )
    if task.bias is not None:
        rows = without_bias(rows, len(task.labels))
    return concatenate_datasets([train, rows.add_column(IS_UNLABELLED, [True] * len(rows))])


def labelled_numbers(train: Dataset) -> np.ndarray:
    """Return the numbers of the rows of a training set that have a label, (labelled rows,)."""
    if IS_UNLABELLED not in train.column_names:
        return np.arange(len(train))
    return np.flatnonzero([not each for each in train[IS_UNLABELLED][:]])


def check_labelled(train: Mapping[str, Dataset]) -> None:
    """Raise a UserError if a task's training set, for groups or weights of rows by their label, has unlabelled rows."""
    for name, rows in train.items():
        if IS_UNLABELLED in rows.column_names:
            raise UserError(
                f"data.groups and data.sampling must be unset for task {name!r}, got one: they read labels, and its "
                "source has unlabelled rows"
            )
