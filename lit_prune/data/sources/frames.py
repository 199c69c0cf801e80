"""Rows of tables in memory: pandas DataFrames and `datasets.Dataset`s."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy
import pandas
import pyarrow
from datasets import ClassLabel, Dataset, List

from lit_prune.data.sources.fields import Fields, check_names, read_rows
from lit_prune.data.sources.in_memory import InMemory
from lit_prune.data.sources.source import Row
from lit_prune.errors import UserError

Table: TypeAlias = pandas.DataFrame | Dataset
ROWS = pyarrow.schema([(field, pyarrow.string()) for field in Row.__annotations__])
_LABELS = pyarrow.field("labels", pyarrow.list_(pyarrow.string()))


class Frames(InMemory):
    """Tables in memory, checked and copied when the source is built: a table that is changed later needs a new source.

        Task("sentiment", ["negative", "positive"], Frames({"train": frame, "id": other_frame}))

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> its
            DataFrame or Dataset.
        labels: Class names, in the order of the logits. Numbers in the label column index them, unless the names are
            such numbers. If None, the categories (`ClassLabel`) of the training labels, else their values, sorted. A
            label that is a list is any number of labels.
        columns: Field of the package (text_a, text_b, label, id, group) -> column of the tables, by default the name of
            the field. `text_a` and `label` are required.
        drop_incomplete: Drop rows that lack a text or a label, with a warning that counts them.

    Attributes:
        labels: The class names, None if the training labels are floats, as `RegressionTask` takes them.
        columns: Our field -> the column of the training table.
        has_lists: True if the training labels are lists, as `MultiLabelTask` takes them.

    Raises:
        UserError: A table is neither, lacks a column, or has a row without a text or label, or with an unknown one.
    """

    def __init__(
        self,
        splits: Mapping[str, Table],
        labels: Sequence[str] | None = None,
        columns: Mapping[str, str] | None = None,
        drop_incomplete: bool = False,
    ) -> None:
        check_names(splits)
        frames = {split: to_frame(table, f"{split} set") for split, table in splits.items()}
        own = {split: _columns(frame, columns or {}, f"{split} set") for split, frame in frames.items()}
        self.columns = own["train"]
        training_labels = frames["train"][self.columns["label"]]
        self.has_lists = bool(training_labels.map(_listed).notna().any())
        if self.has_lists and _are_multi_hot([_listed(label) or [] for label in training_labels.dropna()]):
            raise UserError(
                "labels of the train set must be lists of names, got only lists of 0 and 1: name the labels"
            )
        self.labels = _class_names(training_labels) if labels is None else list(labels)
        names = None if self.labels is None else {name: name for name in self.labels}
        tables: dict[str, pyarrow.Table] = {}
        for split, frame in frames.items():
            has_classes = split in ("train", "id", "id_mismatched")  # a task merges those of OOD sets, and checks them
            known = names if has_classes else None
            read_as = Fields(columns=own[split], labels=known, drop_incomplete=drop_incomplete)
            records = enumerate(_records(frame, own[split], self.labels or ()))
            rows = list(read_rows(records, read_as, f"{split} set, row {{}}".format, f"{split} set"))
            schema = ROWS.append(_LABELS) if any("labels" in row for row in rows) else ROWS
            tables[split] = pyarrow.Table.from_pylist(rows, schema=schema)
        super().__init__(tables)


def column_names(table: Table) -> list[str]:
    """Return the names of the columns of a table."""
    return list(table) if isinstance(table, pandas.DataFrame) else list(table.column_names)


def to_frame(table: Table, where: str) -> pandas.DataFrame:
    """Return a table as a DataFrame; columns of `ClassLabel`s are categorical."""
    if isinstance(table, pandas.DataFrame):
        frame = table.rename(columns=str)
    elif isinstance(table, Dataset):
        frame = table.with_format("arrow")[:].to_pandas(types_mapper=pandas.ArrowDtype)
        for column, feature in table.features.items():
            if isinstance(feature, List) and isinstance(feature.feature, ClassLabel):
                named = (
                    [feature.feature.names[each] for each in row] if row is not None else None for row in table[column]
                )
                frame[column] = list(named)
            if isinstance(feature, ClassLabel):
                codes = frame[column].fillna(-1).astype(int)  # -1 is a missing label
                frame[column] = pandas.Categorical.from_codes(codes, feature.names)
    else:
        kind = type(table).__name__
        raise UserError(f"{where} must be a pandas DataFrame or a datasets.Dataset, got a {kind}: convert it")
    if not frame.columns.is_unique:
        raise UserError(f"{where}: columns must have different names, got {list(frame)}: rename all but one")
    return frame


def _columns(frame: pandas.DataFrame, given: Mapping[str, str], where: str) -> dict[str, Any]:
    """Return the column of each field that a table has."""
    own = {field: field for field in Fields.required + Fields.optional if field in frame or field in Fields.required}
    read_as = Fields(columns={**own, **given}, labels=None)
    read_as.check_found(list(frame), where)
    return read_as.columns


def _class_names(labels: pandas.Series) -> list[str] | None:
    """Return the categories of a column, else its values, sorted; None if they are floats."""
    if isinstance(labels.dtype, pandas.CategoricalDtype):
        return [str(name) for name in labels.cat.categories]
    if pandas.api.types.is_float_dtype(labels.dtype):
        return None
    single = itertools.chain.from_iterable(_listed(label) or [label] for label in labels.dropna())
    found = {label for label in single if isinstance(label, str | int) and str(label).strip()}
    return [str(label) for label in sorted(found, key=lambda label: (isinstance(label, str), label))]


def _records(frame: pandas.DataFrame, columns: Mapping[str, str], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as Python objects, None where missing, with names for the numbers of labels."""
    names: dict[float, str] = dict(enumerate(labels))
    if {str(number) for number in names} & set(labels):
        names = {}  # the names are numbers
    used = frame[list(dict.fromkeys(columns.values()))]
    for record in plain_records(used):
        label = record[columns["label"]]
        several = _listed(label)
        named = _named(label, names) if several is None else [_named(each, names) for each in several]
        yield record | {columns["label"]: named}


def plain_records(frame: pandas.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows of a table as Python objects, None where missing."""
    records: list[dict[Any, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return records


def _named(label: Any, names: Mapping[float, str]) -> Any:
    return names.get(label, label) if isinstance(label, int | float) else label


def _are_multi_hot(lists: Sequence[Sequence[Any]]) -> bool:
    """Return True if lists seem to have a 0 or 1 for each label, and not the names or numbers of labels."""
    lengths = {len(values) for values in lists}
    return len(lengths) == 1 and max(lengths) > 1 and all({*values} <= {0, 1} for values in lists)


def _listed(label: Any) -> list[Any] | None:
    """Return several labels as a list, None if it is a single one."""
    if isinstance(label, numpy.ndarray):
        return label.tolist()  # type: ignore[no-any-return]
    return list(label) if isinstance(label, list | tuple) else None
