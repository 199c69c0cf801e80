"""How a record of a foreign table, a file's or the hub's, becomes a row."""

import ast
import re
import string
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lit_prune.data.sources.readers import IncompleteError
from lit_prune.data.sources.source import UNLABELLED, Row
from lit_prune.errors import UserError


@dataclass(kw_only=True)
class Texts:
    """How a record of a foreign table becomes our row, without a label.

    Args:
        columns: Our field (text_a, text_b, id, group) -> the table's column, or several of which a record has one.
            text_a is required; id defaults to the record's number, text_b and group to "". text_b may be blank in a
            row, text_a may not.
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
                f"columns {self.columns}: missing fields {missing}, unknown fields {unknown}; "
                f"map {', '.join(self.required)} and any of {', '.join(self.optional)} to columns"
            )

    def row(self, record: Mapping[str, Any] | IncompleteError, number: int, where: str) -> Row | None:
        """The record as our row; None where its label is mapped to "".

        Args:
            record: The table's columns by name, or why there are none.
            number: The record's id, unless a column gives it.
            where: Names the record in errors, such as "dev.jsonl:17".

        Raises:
            UserError: A column is missing or holds neither text nor a number, the label is unknown, or a text is no
                bytes literal; `IncompleteError` where text_a is blank, or text_b and the row may be dropped for it.
        """
        if isinstance(record, IncompleteError):
            raise record
        values = {field: _text(record, column, where) for field, column in self.columns.items()}
        label = self._label(values, where)
        if label is None:
            return None
        texts = [field for field in ("text_a", "text_b") if field in values]
        if self.bytes_literals:
            values |= {field: _undone(values[field], where) for field in texts}
        for field in texts if self.drop_incomplete else ["text_a"]:
            if not values[field].strip():
                raise IncompleteError(
                    f"{where}: column {self.columns[field]!r} holds no text; fill it in, or remove the row from the "
                    "file, or set `drop_incomplete: true` to leave such rows out"
                )
        return Row(
            id=values.get("id", str(number)),
            text_a=self._stripped(values["text_a"]),
            text_b=self._stripped(values.get("text_b", "")),
            label=label,
            group=values.get("group", ""),
        )

    def _label(self, values: Mapping[str, str], where: str) -> str | None:
        return UNLABELLED

    def _stripped(self, text: str) -> str:
        return text.rstrip(self.strip + string.whitespace)


@dataclass(kw_only=True)
class Fields(Texts):
    """How a record of a foreign table becomes our row.

    Args:
        columns: Our field (text_a, text_b, label, id, group) -> the table's column, or several of which a record has
            one. text_a and label are required; id defaults to the record's number, text_b and group to "". text_b may
            be blank in a row, text_a may not.
        labels: The table's label -> our name for the class, or "" to drop the rows (MNLI's "-"); None: labels are
            numbers, and stay as they are.
        strip: Characters taken off the end of both texts, such as ".!?". White space there always goes.
        bytes_literals: Both texts are written as Python bytes, b'...', as PAWS-QQP's generator does: undo it.
        drop_incomplete: Leave out, with a warning that counts them, rows that lack a text or fields of their line.
    """

    labels: dict[str, str] | None

    required: ClassVar[tuple[str, ...]] = ("text_a", "label")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels is not None:
            self.labels = {str(label): name for label, name in self.labels.items()}  # a 0 in yaml is a number

    def _label(self, values: Mapping[str, str], where: str) -> str | None:
        if self.labels is None:
            return values["label"]
        label = self.labels.get(values["label"])
        if label is None:
            raise UserError(f"{where}: unknown label {values['label']!r}; `labels` knows {', '.join(self.labels)}")
        return label or None


def first_of(columns: str | list[str], found: Iterable[str]) -> str | None:
    """The first of the columns that is among those found."""
    names = [columns] if isinstance(columns, str) else columns
    return next((name for name in names if name in found), None)


def _text(record: Mapping[str, Any], columns: str | list[str], where: str) -> str:
    column = first_of(columns, record)
    if column is None:
        raise UserError(f"{where}: no column {columns!r}; found {', '.join(record)}. Correct `columns`")
    value = record[column]
    if not isinstance(value, str | int | float):
        raise UserError(f"{where}: column {column!r} holds {value!r}, neither text nor a number")
    return str(value)


def _undone(text: str, where: str) -> str:
    """What a Python bytes literal holds; nothing else is evaluated."""
    try:
        value = ast.literal_eval(text) if re.fullmatch(r"""b'.*'|b".*\"""", text) else None
        if isinstance(value, bytes):
            return value.decode()
    except (ValueError, SyntaxError):
        pass
    raise UserError(
        f"{where}: {text[:40]!r} is no Python bytes literal b'...' of UTF-8; correct it, or leave out `bytes_literals` "
        "where texts are plain"
    )


def check_names(splits: Iterable[str]) -> None:
    """Refuse, with a UserError, splits without `train` or under names that we do not know."""
    splits = list(splits)
    missing = [split for split in ("train",) if split not in splits]
    known = ("train", "id", "id_mismatched", "ood")
    unknown = [split for split in splits if split not in known and not split.startswith("ood_")]
    if missing or unknown:
        raise UserError(
            f"splits {', '.join(splits)}: missing {missing}, unknown {unknown}; "
            f"name train, id and any of id_mismatched, ood, ood_<set>, ood_train"
        )


def read_rows(
    records: Iterable[tuple[int, Mapping[str, Any] | IncompleteError]],
    read_as: Texts,
    place: Callable[[int], str],
    table: str,
) -> Iterator[Row]:
    """The rows of a table that are not dropped.

    Args:
        records: The records with their numbers.
        read_as: How they become rows.
        place: Names a record, by its number, in errors.
        table: Names the table in errors and in the warning that counts incomplete rows.

    Raises:
        UserError: A record is not what `read_as` expects, or no row is left.
    """
    num_rows, incomplete = 0, []
    for number, record in records:
        try:
            row = read_as.row(record, number, place(number))
        except IncompleteError:
            if not read_as.drop_incomplete:
                raise
            incomplete.append(place(number))
            continue
        if row is not None:
            num_rows += 1
            yield row
    if incomplete:
        warnings.warn(
            f"{table}: {len(incomplete)} rows lack a text or fields and are left out, {incomplete[0]} first",
            stacklevel=2,
        )
    if not num_rows:
        raise UserError(f"{table}: no rows; check the file, and the `labels` that drop rows")
