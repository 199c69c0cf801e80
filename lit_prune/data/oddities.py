"""Warnings about a task's sets, before any time is spent."""

from collections.abc import Iterator, Mapping, Sequence

from datasets import Dataset
from lightning.pytorch.utilities import rank_zero_warn


def warn_of_oddities(task: str, absent: Sequence[str], train: Dataset, evaluation: Mapping[str, Dataset]) -> None:
    """Warn of classes without a training row, and of evaluation rows that occur in the training set.

    Args:
        task: The task's name.
        absent: Its classes without a training row.
        train: The training set.
        evaluation: The other sets, by split. A row occurs in the training set if both its texts, and its mentions if it
            has them, are those of one training row; a single shared text is usual (premises, questions).
    """
    if absent:
        rank_zero_warn(
            f"task {task!r}: no training row is {', '.join(absent)}; if your data lack a class, remove it from `labels`"
        )
    trained = set(_texts(train))
    shared = {split: sum(texts in trained for texts in _texts(rows)) for split, rows in evaluation.items()}
    if found := [f"{count} of {len(evaluation[split])} rows of {split}" for split, count in shared.items() if count]:
        rank_zero_warn(
            f"task {task!r}: {', '.join(found)} have the texts of a training row; a model may have memorised them"
        )


def _texts(rows: Dataset) -> Iterator[tuple[str, ...]]:
    columns = [name for name in ("text_a", "text_b", "mentions") if name in rows.column_names]
    return zip(*(map(str, rows[name][:]) for name in columns), strict=True)
