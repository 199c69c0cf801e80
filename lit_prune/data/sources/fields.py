"""How a record of a foreign table, a file's or the hub's, becomes a row."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

from lit_prune.data.sources.source import UNLABELLED, Row
from lit_prune.errors import UserError


@dataclass(kw_only=True)
class Texts:
    """How a record of a foreign table becomes our row, without a label.

    Args:
        columns: Our field (text_a, text_b, id, group) -> the table's column. text_a is required; id defaults to the
            record's number, text_b and group to "". text_b may be blank in a row, text_a may not.
        strip: Characters taken off the end of both texts, such as ".!?". White space there always goes.
    """

    columns: dict[str, str]
    strip: str = ""

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

    def row(self, record: Mapping[str, Any], number: int, where: str) -> Row | None:
        """The record as our row; None where its label is mapped to "".

        Args:
            record: The table's columns by name.
            number: The record's id, unless a column gives it.
            where: Names the record in errors, such as "dev.jsonl:17".

        Raises:
            UserError: A column is missing or holds neither text nor a number, the label is unknown, or text_a is blank.
        """
        values = {field: _text(record, column, where) for field, column in self.columns.items()}
        label = self._label(values, where)
        if label is None:
            return None
        if not values["text_a"].strip():
            raise UserError(
                f"{where}: column {self.columns['text_a']!r} holds no text; fill it in, or remove the row from the file"
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
        columns: Our field (text_a, text_b, label, id, group) -> the table's column. text_a and label are required;
            id defaults to the record's number, text_b and group to "". text_b may be blank in a row, text_a may not.
        labels: The table's label -> our name for the class, or "" to drop the rows (MNLI's "-").
        strip: Characters taken off the end of both texts, such as ".!?". White space there always goes.
    """

    labels: dict[str, str]

    required: ClassVar[tuple[str, ...]] = ("text_a", "label")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.labels = {str(label): name for label, name in self.labels.items()}  # a 0 in yaml is a number

    def _label(self, values: Mapping[str, str], where: str) -> str | None:
        label = self.labels.get(values["label"])
        if label is None:
            raise UserError(f"{where}: unknown label {values['label']!r}; `labels` knows {', '.join(self.labels)}")
        return label or None


def _text(record: Mapping[str, Any], column: str, where: str) -> str:
    if column not in record:
        raise UserError(f"{where}: no column {column!r}; found {', '.join(record)}. Correct `columns`")
    value = record[column]
    if not isinstance(value, str | int | float):
        raise UserError(f"{where}: column {column!r} holds {value!r}, neither text nor a number")
    return str(value)


def check_names(splits: Mapping[str, Fields]) -> None:
    """Refuse, with a UserError, splits without `train` or under names that we do not know."""
    missing = [split for split in ("train",) if split not in splits]
    known = ("train", "id", "id_mismatched", "ood")
    unknown = [split for split in splits if split not in known and not split.startswith("ood_")]
    if missing or unknown:
        raise UserError(
            f"splits {', '.join(splits)}: missing {missing}, unknown {unknown}; "
            f"name train, id and any of id_mismatched, ood, ood_<set>, ood_train"
        )


def not_empty(rows: Iterator[Row | None], where: str) -> Iterator[Row]:
    """The rows that are not dropped (None); a UserError that names `where` if none is left."""
    kept = (row for row in rows if row is not None)
    first = next(kept, None)
    if first is None:
        raise UserError(f"{where}: no rows; check the file, and the `labels` that drop rows")
    return chain([first], kept)
