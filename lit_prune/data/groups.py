"""Groups of training examples: those of one label that the dataset bias gives away, or does not."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lit_prune.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset  # not at run time: an exported model is loaded without

    from lit_prune.data.tasks.task import Task

GROUP = "group_number"  # the column of training sets with the number of each row's group
GroupedBy: TypeAlias = Literal["bias", "overlap", "group"]


def with_groups(train: Mapping[str, "Dataset"], tasks: Mapping[str, "Task"], by: GroupedBy) -> dict[str, "Dataset"]:
    """Add the column `group_number` to training sets.

    Args:
        train: Task -> its rows.
        tasks: The tasks by name.
        by: What forms groups beside task and label; see `MultitaskDataModule`.

    Raises:
        UserError: A task has no classes, or its rows lack what forms the groups.
    """
    grouped: dict[str, Dataset] = {}
    first = 0
    for name, rows in train.items():
        if not tasks[name].labels or tasks[name].labels_tokens or by not in rows.column_names:
            remedy = f"set the `bias` of task {name!r}" if by == "bias" else "leave it out"
            raise UserError(f"data.groups must be known for the examples of task {name!r}, got {by!r}: {remedy}")
        values = {"bias": bias_predicts, "overlap": _is_full, "group": _group}[by](rows)
        columns = rows["label"][:], values
        pairs = np.stack([np.unique(each, axis=0, return_inverse=True)[1].reshape(-1) for each in columns])
        distinct, numbers = np.unique(pairs, axis=1, return_inverse=True)
        grouped[name] = rows.add_column(GROUP, first + numbers.reshape(-1))
        first += distinct.shape[1]
    return grouped


def group_sizes(train: Mapping[str, "Dataset"]) -> npt.NDArray[np.integer]:
    """Return the number of training rows of each group, (groups,); empty without groups."""
    numbers = [np.array(rows[GROUP][:]) for rows in train.values() if GROUP in rows.column_names]
    return np.bincount(np.concatenate([np.zeros(0, dtype=np.int64), *numbers]))


def bias_predicts(train: "Dataset") -> npt.NDArray[np.bool_]:
    """Return for each row (rows,) whether the bias model gives no class a higher probability than the label."""
    bias = np.array(train["bias"][:])
    labels = np.minimum(train["label"][:], bias.shape[1] - 1)  # merged classes: of OOD rows, whose bias is uniform
    is_predicted: npt.NDArray[np.bool_] = np.take_along_axis(bias, labels[:, None], 1)[:, 0] >= bias.max(1)
    return is_predicted


def _is_full(train: "Dataset") -> npt.NDArray[np.bool_]:
    is_full: npt.NDArray[np.bool_] = np.array(train["overlap"][:]) == 1
    return is_full


def _group(train: "Dataset") -> npt.NDArray[np.str_]:
    return np.array(train["group"][:])
