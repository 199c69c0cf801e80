"""How the records of a file are read: one function per kind of file, each row by row, in constant memory."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow
import pyarrow.parquet

from lit_prune.errors import UserError
from lit_prune.limits import bounded_batches, bounded_lines, check_num_columns


class IncompleteError(UserError):
    """A row lacks a field or a text: it alone is of no use."""


Records: TypeAlias = Iterator[tuple[int, dict[str, Any] | IncompleteError]]
"""The number of the line (of the row, in parquet; both count from 1) and the columns by name, or why there are none."""


def _decoded(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines with their ends. Only a line feed ends one: texts hold other Unicode line ends."""
    with path.open("rb") as file:
        for number, line in enumerate(bounded_lines(file, path), start=1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UserError(f"{path}:{number}: not UTF-8 ({error.reason}); convert the file to UTF-8") from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not blank, without their ends."""
    return ((number, text.rstrip("\r\n")) for number, text in _decoded(path) if text.strip())


def _under_header(
    path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str] | None, remedy: str
) -> Records:
    """The rows under given names, or those that the first row gives; `remedy` ends the error for one that misfits."""
    header, source = names, "`header`"
    if header is None:
        first, header = next(rows, (1, []))
        source = "the header"
        _check_unique(f"{path}:{first}", header)
    for number, fields in rows:
        if len(fields) != len(header):
            found = f"{len(fields)} fields, but {source} has {len(header)}"
            yield number, IncompleteError(f"{path}:{number}: {found}; {remedy}")
        else:
            yield number, dict(zip(header, fields, strict=True))


def _check_unique(where: str, names: Sequence[str]) -> None:
    check_num_columns(where, len(names))
    twice = {name: None for name in names if name and names.count(name) > 1}  # spreadsheets leave several unnamed
    if twice:
        raise UserError(f"{where}: several columns are named {', '.join(map(repr, twice))}; rename all but one")


def read_jsonl(path: Path, names: None = None) -> Records:
    """An object a line, which names its own columns."""
    for number, line in _lines(path):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{number}: malformed JSON ({error.msg}); correct or remove the line") from None
        if not isinstance(record, dict):
            raise UserError(f"{path}:{number}: expected a JSON object, found {line[:40]!r}")
        check_num_columns(f"{path}:{number}", len(record))
        yield number, record


def read_tab_separated(path: Path, names: Sequence[str] | None = None) -> Records:
    """A header, then tab-separated fields, as GLUE has them: a quotation mark is a character like any other.

    Args:
        path: The file.
        names: The columns of a file without a header.
    """
    rows = ((number, line.split("\t")) for number, line in _lines(path))
    return _under_header(path, rows, names, "correct or remove the line")


def read_csv(path: Path, names: Sequence[str] | None = None) -> Records:
    """A header, then comma-separated fields (RFC 4180): those in quotation marks may hold commas and line ends.

    Args:
        path: The file.
        names: The columns of a file without a header.
    """
    remedy = 'correct the line; a text that holds a comma stands in quotation marks, "like, this"'
    return _under_header(path, _csv_rows(path), names, remedy)


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader((text for _, text in _decoded(path)), strict=True)
    while True:
        number = rows.line_num + 1  # a row may span lines: it goes by its first
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(
                f"{path}:{number}: malformed csv ({error}); close each quotation mark, and double those inside a text"
            ) from None
        if fields:
            yield number, fields


def read_parquet(path: Path, names: None = None) -> Records:
    """The rows of an Apache Parquet file, which names its own columns."""
    number = 0
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_unique(str(path), file.schema_arrow.names)
        for batch in bounded_batches(file, path):
            for record in batch.to_pylist():
                number += 1
                yield number, record
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be read as parquet after row {number} ({reason}); write it again") from None


READERS: dict[str, Callable[..., Records]] = {
    ".csv": read_csv,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".tsv": read_tab_separated,
    ".txt": read_tab_separated,
}

WITH_HEADER = (".csv", ".tsv", ".txt")  # kinds whose first line names the columns, or nothing does
