"""Rows of files that are named one by one."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lit_prune.data.sources.fields import Texts
from lit_prune.data.sources.files import file_fingerprint, file_rows, file_state
from lit_prune.data.sources.readers import READERS
from lit_prune.data.sources.source import Row, Source
from lit_prune.errors import UserError


class Given(Source):
    """Files under any names: sets that a model which is there already is tried on.

    Args:
        files: Name of a set -> its file, and how that is read.
    """

    def __init__(self, files: Mapping[str, tuple[Path, Texts]]) -> None:
        self.files = dict(files)

    def available(self, root: str | None) -> list[str]:
        """Return the names of the sets."""
        return list(self.files)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the file's path, size and time of change, and how it is read."""
        return file_fingerprint(*self.files[split])

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`; errors name file and line (in parquet: and row)."""
        return file_rows(*self.files[split])


class GivenLayout(Source):
    """Files in a layout of their own, under any names.

    Args:
        files: Name of a set -> its file.
        read: Gives the rows of a file; its errors name the file.
    """

    def __init__(self, files: Mapping[str, Path], read: Callable[[Path], Iterator[Row]]) -> None:
        self.files = dict(files)
        self.read = read

    def available(self, root: str | None) -> list[str]:
        """Return the names of the sets."""
        return list(self.files)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the file's path, size and time of change."""
        return file_state(self.files[split])

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        return self.read(self.files[split])


def check_exists(path: Path) -> None:
    """Raise a UserError unless a path is a file."""
    if not path.is_file():
        raise UserError(f"{path} must be a file, got none: correct the path")


def check_readable(path: Path) -> None:
    """Raise a UserError unless a path is a file with a table of a kind that can be read."""
    check_exists(path)
    if path.suffix not in READERS:
        raise UserError(f"{path} must end in one of {', '.join(READERS)}, got {path.suffix!r}: convert the file")


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the columns of a file: those of all its rows, as a row of a .jsonl may lack some.

    Raises:
        UserError: it has no row.
    """
    columns: dict[str, None] = {}
    error = UserError(f"{path} must have rows, got none: check the file")
    for _, record in READERS[path.suffix](path):
        if isinstance(record, UserError):
            error = record
        else:
            columns |= dict.fromkeys(record)
    if not columns:
        raise error
    return tuple(columns)
