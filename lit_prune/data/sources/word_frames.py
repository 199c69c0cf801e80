"""Tagged words of tables in memory: pandas DataFrames and `datasets.Dataset`s."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy
import pandas
import pyarrow
from datasets import ClassLabel

from lit_prune.data.sources.fields import check_names
from lit_prune.data.sources.frames import Table, column_names
from lit_prune.data.sources.in_memory import InMemory
from lit_prune.data.sources.readers import shown
from lit_prune.data.sources.source import UNLABELLED, TokensRow
from lit_prune.data.sources.words import join_words
from lit_prune.data.tasks.tags import OUTSIDE
from lit_prune.errors import UserError
from lit_prune.names import choice

_NEEDED, _OPTIONAL = ("words", "tags"), ("id", "group")
_SCHEMA = pyarrow.schema(
    [
        *((field, pyarrow.string()) for field in ("id", "text_a", "text_b", "label", "group")),
        ("words", pyarrow.list_(pyarrow.list_(pyarrow.int64()))),
        ("tags", pyarrow.list_(pyarrow.string())),
    ]
)


class WordFrames(InMemory):
    """Tables in memory with a list of words and a list of tags a row, checked and copied when the source is built.

        rows = WordFrames({"train": tagged}, columns={"words": "tokens", "tags": "ner_tags"})
        TokenTask("ner", rows.labels, rows)

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> its
            DataFrame or Dataset. Tags are texts, or numbers of a `ClassLabel`.
        columns: Field of the package (words, tags, id, group) -> column of the tables, by default the name of the
            field.
        drop_incomplete: Drop rows without words or a tag for each, with a warning that counts them.

    Attributes:
        tags: The training tags, sorted.
        labels: The entity types of the training tags, sorted; tags without prefixes are types, as in IO.

    Raises:
        UserError: A table lacks a column, two rows have one id, or a row has no words, or not a tag for each.
    """

    def __init__(
        self, splits: Mapping[str, Table], columns: Mapping[str, str] | None = None, drop_incomplete: bool = False
    ) -> None:
        check_names(splits)
        if unknown := sorted({*(columns or {})} - {*_NEEDED, *_OPTIONAL}):
            raise UserError(f"unknown field {unknown[0]!r} in columns: {choice(unknown[0], [*_NEEDED, *_OPTIONAL])}")
        named = {field: field for field in (*_NEEDED, *_OPTIONAL)} | dict(columns or {})
        rows = {split: list(_rows(table, named, f"{split} set", drop_incomplete)) for split, table in splits.items()}
        self.tags = sorted({tag for row in rows["train"] for tag in row["tags"]})
        self.labels = sorted({tag.partition("-")[2] or tag for tag in self.tags} - {OUTSIDE})
        super().__init__({split: pyarrow.Table.from_pylist(each, schema=_SCHEMA) for split, each in rows.items()})

    @staticmethod
    def fits(table: Table, columns: Mapping[str, str] | None) -> bool:
        """Return whether a table has tagged words, by the names of its columns or those given."""
        return "words" in (columns or {}) or {*_NEEDED} <= {*column_names(table)}


def _listed(value: Any) -> list[Any]:
    """Return the values of a list, none if it is no list."""
    return [*value] if isinstance(value, list | tuple | numpy.ndarray) else []


def _rows(table: Table, columns: Mapping[str, str], where: str, drop_incomplete: bool) -> Iterator[TokensRow]:
    for column in (columns[field] for field in _NEEDED):
        if column not in (found := column_names(table)):
            raise UserError(f"{where}: unknown column {column!r} in `columns`: {choice(column, found)}")
    is_frame = isinstance(table, pandas.DataFrame)
    kind = None if is_frame else getattr(table.features[columns["tags"]], "feature", None)
    names = kind.names if isinstance(kind, ClassLabel) else None
    seen, incomplete = set[str](), 0
    for number, record in enumerate(table.to_dict("records") if is_frame else table):
        words, tags = (_listed(record[columns[field]]) for field in _NEEDED)
        if names is not None:
            tags = [names[tag] if tag >= 0 else "" for tag in tags]  # -1 is a missing label
        if not words or len(words) != len(tags) or not all(isinstance(each, str) and each for each in (*words, *tags)):
            if drop_incomplete:
                incomplete += 1
                continue
            raise UserError(
                f"{where}, row {number}: words and tags must be lists of texts of one length, got {shown(words)} and "
                f"{shown(tags)}: correct the row"
            )
        text, places = join_words(words)
        given = (record.get(columns[field]) for field in _OPTIONAL)
        name, group = (None if pandas.isna(value) else str(value) for value in given)
        name = name or str(number)
        if name in seen:
            raise UserError(f"{where}, row {number}: rows must have different ids, got {name!r} twice: rename one")
        seen.add(name)
        yield TokensRow(
            id=name,
            text_a=text,
            text_b="",
            label=UNLABELLED,
            group=group or "",
            words=places,
            tags=tags,
        )
    if incomplete:
        warnings.warn(f"{where}: {incomplete} rows lack words or tags and are left out", stacklevel=2)
