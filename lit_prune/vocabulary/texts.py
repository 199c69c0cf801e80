"""`TextSet`: the texts of a file, with their labels if it has any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lit_prune.data.sources.fields import Fields, Texts
from lit_prune.data.sources.files import file_rows
from lit_prune.data.sources.given import check_readable, columns_of
from lit_prune.errors import UserError
from lit_prune.fitting.saved_task import find_columns


@dataclass(frozen=True)
class TextSet:
    """The texts of a file.

    Attributes:
        first: The texts, or the first ones of pairs.
        second: The second texts of pairs; empty if there are none.
        labels: Their labels; empty if the file has none.
    """

    first: Sequence[str]
    second: Sequence[str] = ()
    labels: Sequence[str] = ()

    @property
    def texts(self) -> list[str]:
        """All texts, those of pairs one by one."""
        return [*self.first, *(each for each in self.second if each)]


def read_texts(path: Path, columns: Mapping[str, str] | None, labelled: bool) -> TextSet:
    """Read the texts of a table.

    Args:
        path: A csv, tsv, jsonl or parquet file.
        columns: Field of the package (text_a, text_b, label) -> column. If None, the columns with usual names.
        labelled: Read the labels too, if there is a column of them.

    Raises:
        UserError: The file cannot be read, or its columns have no usual names.
    """
    check_readable(path)
    named = dict(columns) if columns is not None else find_columns(path)
    if named is None:
        raise UserError(
            f"{path} must have usual names for one or two columns of texts, got {', '.join(columns_of(path))}: name "
            "them by --columns '{text_a: COLUMN}', and text_b for pairs"
        )
    fields = {field: column for field, column in named.items() if labelled or field != "label"}
    read_as = Fields(columns={**fields}, labels=None) if "label" in fields else Texts(columns={**fields})
    rows = list(file_rows(path, read_as))
    return TextSet(
        *([row[field] for row in rows] if field in fields else [] for field in ("text_a", "text_b", "label"))
    )
