"""Tasks of tables in memory: the kind follows from the labels, unless one is given."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from lit_prune.data.sources.frames import Frames, Table, column_names
from lit_prune.data.sources.pairs import PairFrames
from lit_prune.data.sources.word_frames import WordFrames
from lit_prune.data.tasks.multi_label import MultiLabelTask
from lit_prune.data.tasks.regression import RegressionTask
from lit_prune.data.tasks.task import Task
from lit_prune.data.tasks.token import TokenTask
from lit_prune.errors import UserError


def framed_task(
    name: str,
    tables: Mapping[str, Table],
    labels: Sequence[str] | None,
    columns: Mapping[str, str] | None,
    drop_incomplete: bool,
    kind: type[Task] | None,
    options: Mapping[str, Any] | None,
) -> Task:
    """Build the task of tables; see `MultitaskDataModule.from_frames`.

    Args:
        name: The name of the task.
        tables: Split -> its table.
        labels: Class names, or None for those found.
        columns: Our field -> the tables' column, or None.
        drop_incomplete: Leave out rows that lack a text or a label.
        kind: The kind of task. If None, that of the labels.
        options: Further arguments of the task, or None.

    Raises:
        UserError: A row or an argument is wrong.
    """
    given = dict(options or {})
    if kind is None and WordFrames.fits(tables["train"], columns):
        kind = TokenTask
    if kind is not None and issubclass(kind, TokenTask):
        tagged = WordFrames(tables, columns, drop_incomplete)
        found = tagged.labels if given.get("entities", True) else tagged.tags
        return _built(kind, {"name": name, "labels": list(labels or found), "source": tagged, **given})
    has_labels = "label" in {*(columns or {}), *column_names(tables["train"])}
    if kind is not None and not kind.needs_labels and not has_labels:
        return _built(kind, {"name": name, "source": PairFrames(tables, columns, drop_incomplete), **given})
    source = Frames(tables, labels, columns, drop_incomplete)
    if kind is None:
        several = MultiLabelTask if source.has_lists else Task
        kind = RegressionTask if source.labels is None else several
    if "labels" in kind.settings:
        given["labels"] = source.labels
    return _built(kind, {"name": name, "source": source, **given})


def _built(kind: type[Task], arguments: Mapping[str, Any]) -> Task:
    """Build a task; a UserError for an argument that its kind does not have."""
    known = inspect.signature(kind).parameters
    if unknown := [each for each in arguments if each not in known]:
        raise UserError(f"unknown option {unknown[0]!r} of {kind.__name__}: choose from {', '.join(known)}")
    return kind(**arguments)
