"""Conversion of records of foreign tables, from files or the hub, to rows."""

import ast
import math
import re
import string
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from lit_prune.data.ood import VALIDATION_OOD, is_ood
from lit_prune.data.sources.readers import IncompleteError, shown
from lit_prune.data.sources.source import UNLABELLED, Row
from lit_prune.errors import UserError
from lit_prune.names import check_name, choice


@dataclass(kw_only=True)
class Texts:
    """The conversion of a foreign table's record to a row, without a label.

    A value is missing if it is null, NaN, blank or absent, in every kind of table.

    Args:
        columns: Our field (text_a, text_b, id, group) -> the table's column, or several of which a record has one.
            text_a is required; a missing id is the record's number, a missing text_b or group is "".
        strip: Characters taken off the end of both texts, such as ".!?". White space there always goes.
        bytes_literals: Both texts are written as Python bytes, b'...', as PAWS-QQP's generator does: undo it.
        drop_incomplete: Leave out, with a warning that counts them, rows that lack a text or fields of their line.
    """

    columns: dict[str, str | list[str]]
    strip: str = ""
    bytes_literals: bool | None = None
    drop_incomplete: bool | None = None

    required: ClassVar[tuple[str, ...]] = ("text_a",)
    optional: ClassVar[tuple[str, ...]] = ("text_b", "id", "group")

    def __post_init__(self) -> None:
        missing = [field for field in self.required if field not in self.columns]
        unknown = [field for field in self.columns if field not in self.required + self.optional]
        if missing or unknown:
            raise UserError(
                f"columns must map {', '.join(self.required)} and any of {', '.join(self.optional)}, got "
                f"{self.columns}: add {missing}, remove {unknown}"
            )

    def row(self, record: Mapping[str, Any] | IncompleteError, number: int, where: str) -> Row | None:
        """Convert a record to a row; None if its label is mapped to "".

        Args:
            record: The table's columns by name, or why there are none.
            number: The record's id, unless a column gives it.
            where: Names the record in errors, such as "dev.jsonl:17".

        Raises:
            UserError: A column holds neither text nor a number, the label is unknown, or a text is no bytes literal;
                `IncompleteError` where text_a or the label is missing, or text_b and the row may be dropped for it.
        """
        if isinstance(record, IncompleteError):
            raise record
        values = {field: _text(record, column, where) for field, column in self.columns.items() if field != "label"}
        label = self._label(record, where)
        if label is None:
            return None
        texts = [field for field in ("text_a", "text_b") if field in values]
        if self.bytes_literals:
            values |= {field: _undone(values[field], where) for field in texts if values[field]}
        values |= {field: values[field].rstrip(self.strip + string.whitespace) for field in texts}
        needed = texts if self.drop_incomplete else ["text_a"]
        missing = [field for field in needed if not values[field].strip()]
        if "label" in self.columns and label == UNLABELLED:
            missing.append("label")
        if missing:
            raise self._missing(missing[0], record, where)
        row = Row(
            id=values.get("id") or str(number),
            text_a=values["text_a"],
            text_b=values.get("text_b", ""),
            label=UNLABELLED,
            group=values.get("group", ""),
        )
        return cast(Row, {**row, "label": label} if isinstance(label, str) else {**row, "labels": label})

    def check_found(self, found: Collection[str], table: str) -> None:
        """Raise a UserError if one of `columns` is in no record of a table."""
        for column in self.columns.values():
            if first_of(column, found) is None:
                raise UserError(f"{table}: unknown column {column!r} in `columns`: {choice(column, list(found))}")

    def _label(self, record: Mapping[str, Any], where: str) -> str | list[str] | None:
        """Return the label of a record, or its labels; `UNLABELLED` if it is missing, None if its row is dropped."""
        return UNLABELLED

    def _missing(self, field: str, record: Mapping[str, Any], where: str) -> IncompleteError:
        columns = self.columns[field]
        remedy = "remove the row, or set `drop_incomplete: true` of the split to leave such rows out"
        if first_of(columns, record) is None:
            known = choice(columns, list(record))
            return IncompleteError(f"{where}: unknown column {columns!r} in `columns`: {known}; or {remedy}")
        kind = "label" if field == "label" else "text"
        return IncompleteError(f"{where}: column {columns!r} must hold a {kind}, got none: fill it in, or {remedy}")


@dataclass(kw_only=True)
class Fields(Texts):
    """The conversion of a foreign table's record to a row.

    Args:
        columns: Field of the package (text_a, text_b, label, id, group) -> column of the table, or a list of columns of
            which each record has one. `text_a` and `label` are required. The default of `id` is the record's number;
            that of `text_b` and `group` is the empty text.
        labels: Label in the table -> name of the class, or "" to drop the rows (MNLI's "-"); of several labels of a
            row, "" drops the label. None for labels that are numbers.
        separator: What separates the labels in a cell, such as ";", if a row has any number of labels. None if each row
            has one. Lists of labels, as in jsonl and parquet files, need none. An empty cell or list is a row without
            labels.
        strip: Characters to remove from the end of both texts, such as ".!?". White space is always removed.
        bytes_literals: Decode texts that are written as Python bytes, b'...', as PAWS-QQP's generator writes them.
        drop_incomplete: Drop rows that lack a text, a label or fields of their line, with a warning that counts them.
    """

    labels: dict[str, str] | None
    separator: str | None = None

    required: ClassVar[tuple[str, ...]] = ("text_a", "label")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separator == "":
            raise UserError("separator must be one or more characters, got '': leave it out if a row has one label")
        if self.labels is not None:
            self.labels = {str(label): name for label, name in self.labels.items()}  # a 0 in yaml is a number

    def _label(self, record: Mapping[str, Any], where: str) -> str | list[str] | None:
        value = _value(record, self.columns["label"])
        if isinstance(value, list):
            return self._several(value, where)
        label = _text(record, self.columns["label"], where)
        if self.separator is not None and value is not None:
            return self._several([each for each in label.split(self.separator) if each.strip()], where)
        if not label and "" not in (self.labels or {}):
            return UNLABELLED
        return self._class(label, where) or None

    def _several(self, values: Sequence[Any], where: str) -> list[str]:
        """Return the classes of a row's labels, each once."""
        names = [str(value).strip() for value in values]
        if not all(isinstance(value, str | int) for value in values) or len({*names}) < len(names) or "" in names:
            raise UserError(
                f"{where}: column {self.columns['label']!r} must hold names of labels, each once, got {shown(values)}: "
                "correct the row"
            )
        return [each for each in dict.fromkeys(self._class(name, where) for name in names) if each]

    def _class(self, label: str, where: str) -> str:
        """Return the class of a label, "" if it is to be dropped."""
        if self.labels is None:
            return label
        if label not in self.labels:
            hint = ""
            if {"True", "False"} & self.labels.keys():
                hint = ". yaml reads unquoted yes, no, on, off, true and false as booleans: quote them"
            raise UserError(
                f"{where}: unknown label {shown(label)}: choose from {', '.join(self.labels)}, or map it to a class in "
                f"`labels`, or to '' to leave it out{hint}"
            )
        return self.labels[label]


def first_of(columns: str | list[str], found: Iterable[str]) -> str | None:
    """Return the first of the columns that is among those found."""
    names = [columns] if isinstance(columns, str) else columns
    return next((name for name in names if name in found), None)


def _text(record: Mapping[str, Any], columns: str | list[str], where: str) -> str:
    """Return the value of a record's column as a text, "" if it is missing."""
    value = _value(record, columns)
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or value in (math.inf, -math.inf):
        column = first_of(columns, record)
        raise UserError(f"{where}: column {column!r} must hold a text or a number, got {shown(value)}: correct the row")
    return "" if isinstance(value, str) and value.isspace() else str(value)


def _value(record: Mapping[str, Any], columns: str | list[str]) -> Any:
    """Return the value of a record's column, None if it is missing, null or NaN."""
    column = first_of(columns, record)
    value = None if column is None else record[column]
    return None if isinstance(value, float) and math.isnan(value) else value


def _undone(text: str, where: str) -> str:
    """Return the content of a Python bytes literal; nothing else is evaluated."""
    try:
        value = ast.literal_eval(text) if re.fullmatch(r"""b'.*'|b".*\"""", text) else None
        if isinstance(value, bytes):
            return value.decode()
    except (ValueError, SyntaxError):
        pass
    raise UserError(
        f"{where}: texts must be Python bytes literals b'...' of UTF-8, got {text[:40]!r}: correct it, or leave out "
        "`bytes_literals` if texts are plain"
    )


def check_names(splits: Iterable[str]) -> None:
    """Raise a UserError if splits lack `train` or have unknown names."""
    splits = list(splits)
    missing = [split for split in ("train",) if split not in splits]
    known = ("train", "id", "id_mismatched", "ood_train")
    unknown = [split for split in splits if split not in known and not is_ood(split)]
    if missing or unknown:
        raise UserError(
            f"splits must be train, id and any of id_mismatched, ood, ood_<set>, ood_train, {VALIDATION_OOD}, got "
            f"{', '.join(splits)}: "
            f"{' and '.join([*(f'add {each}' for each in missing), *(f'rename {each}' for each in unknown)])}"
        )
    for split in splits:
        check_name("the name of a split", split)


def read_rows(
    records: Iterable[tuple[int, Mapping[str, Any] | IncompleteError]],
    read_as: Texts,
    place: Callable[[int], str],
    table: str,
) -> Iterator[Row]:
    """Yield the rows of a table that are not dropped.

    Args:
        records: The records with their numbers.
        read_as: How they become rows.
        place: Names a record, by its number, in errors.
        table: Names the table in errors and in the warning that counts incomplete rows.

    Raises:
        UserError: A record is not what `read_as` expects, or no row is left.
    """
    num_rows, incomplete = 0, []
    found: dict[str, None] = {}
    for number, record in records:
        if not isinstance(record, IncompleteError):
            found |= dict.fromkeys(record)
        try:
            row = read_as.row(record, number, place(number))
        except IncompleteError:
            if not read_as.drop_incomplete:
                if not num_rows and found:  # a column that the whole table lacks
                    read_as.check_found(found, table)
                raise
            incomplete.append(place(number))
            continue
        if row is not None:
            num_rows += 1
            yield row
    if found:
        read_as.check_found(found, table)
    if incomplete:
        warnings.warn(
            f"{table}: {len(incomplete)} rows lack a text or fields and are left out, {incomplete[0]} first",
            stacklevel=2,
        )
    if not num_rows:
        raise UserError(f"{table} must have rows, got none: check its data, and the `labels` that drop rows")
