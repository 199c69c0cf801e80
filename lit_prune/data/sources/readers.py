"""Records of a file, one reader per kind of file; errors name file and line."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow
import pyarrow.parquet

from lit_prune.errors import UserError

Reader: TypeAlias = Callable[[Path], Iterator[tuple[int, dict[str, Any]]]]
"""A file -> its records by column, each with the number of its line (of a table: its row), counted from 1."""


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines with their ends. Only a line feed ends one: texts hold other Unicode line ends."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UserError(f"{path}:{number}: not UTF-8 ({error.reason}); convert the file to UTF-8") from None


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}:{number}: malformed JSON ({error.msg}); correct or remove the line") from None
        if not isinstance(record, dict):
            raise UserError(f"{path}:{number}: expected a JSON object, found {line.rstrip()[:40]!r}")
        yield number, record


def _tab_separated(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    fields = ((number, line.rstrip("\r\n").split("\t")) for number, line in _lines(path) if line.strip())
    return _under_header(path, fields)


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader((line for _, line in _lines(path)), strict=True)

    def fields() -> Iterator[tuple[int, list[str]]]:
        number = 1
        try:
            for row in reader:
                if row:  # a blank line has no fields
                    yield number, row
                number = reader.line_num + 1  # a quoted field may hold line ends
        except csv.Error as error:
            raise UserError(f"{path}:{number}: malformed CSV ({error}); correct the quotes of this row") from None

    return _under_header(path, fields())


def _under_header(path: Path, rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of fields as records, by the names that the first row gives."""
    header = next(rows, (1, []))[1]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UserError(f"{path}:1: the columns {twice} come more than once; rename them")
    for number, fields in rows:
        if len(fields) != len(header):
            raise UserError(
                f"{path}:{number}: {len(fields)} fields, but the header has {len(header)}; correct or remove the line"
            )
        yield number, dict(zip(header, fields, strict=True))


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches():
            for record in batch.to_pylist():
                number += 1
                yield number, record
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}); write it again") from None


READERS: dict[str, Reader] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
    ".tsv": _tab_separated,
    ".txt": _tab_separated,
}
