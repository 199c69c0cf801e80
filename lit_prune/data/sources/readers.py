"""Readers of files: one function per kind of file, row by row, in constant memory."""

import csv
import json
import reprlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow
import pyarrow.parquet

from lit_prune.errors import UserError
from lit_prune.limits import bounded_lines, check_num_columns
from lit_prune.parquet import bounded_batches


class IncompleteError(UserError):
    """A row lacks a field or a text: it alone is of no use."""


Records: TypeAlias = Iterator[tuple[int, dict[str, Any] | IncompleteError]]
"""The number of the line (of the row, in parquet; both count from 1) and the columns by name, or why there are none."""

shown = reprlib.repr  # a value in an error: long and nested ones are cut


def decoded_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of a file in UTF-8, with their ends.

    A line feed ends a line, or a carriage return in a file without line feeds: texts hold other Unicode line ends.
    """
    with path.open("rb") as file:
        has_feeds = any(b"\n" in block for block in iter(partial(file.read, 1 << 16), b""))
    # In latin-1 each byte is a character: a line that is not UTF-8 is found by its number.
    with path.open(encoding="latin-1", newline="\n" if has_feeds else "\r") as lines:
        for number, line in enumerate(bounded_lines(lines, path), start=1):
            try:
                text = line.encode("latin-1").decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path}:{number} must be UTF-8, got other bytes ({error.reason}): convert the file to UTF-8"
                ) from None
            if "\0" in text:
                raise UserError(
                    f"{path}:{number} must be UTF-8, got a NUL byte, as in UTF-16: convert the file to UTF-8"
                )
            yield number, text


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not empty, without their ends."""
    return ((number, text.rstrip("\r\n")) for number, text in decoded_lines(path) if text.strip("\r\n "))


def _under_header(
    path: Path, rows: Iterator[tuple[int, list[str]]], names: Sequence[str] | None, remedy: str
) -> Records:
    """Yield rows under given names, or those of the first row; `remedy` ends the error for one that does not fit."""
    header, source = names, "`header`"
    if header is None:
        first, header = next(rows, (1, []))
        source = "the header"
        _check_unique(f"{path}:{first}", header)
    for number, fields in rows:
        if len(fields) != len(header):
            wanted = f"{len(header)} fields, as {source} has"
            yield number, IncompleteError(f"{path}:{number} must have {wanted}, got {len(fields)}: {remedy}")
        else:
            yield number, dict(zip(header, fields, strict=True))


def _check_unique(where: str, names: Sequence[str]) -> None:
    check_num_columns(where, len(names))
    twice = {name: None for name in names if name and names.count(name) > 1}  # spreadsheets leave several unnamed
    if twice:
        named = ", ".join(map(repr, twice))
        raise UserError(f"{where}: columns must have different names, got several {named}: rename all but one")


def parse_json(text: str, path: Path, number: int | None = None) -> Any:
    """Parse the JSON of a file, or of one line of it.

    Args:
        text: The JSON.
        path: The file.
        number: The line, or None if `text` is the whole file.

    Raises:
        UserError: It is malformed or nested too deeply, or a number or a string in it cannot be represented.
    """
    where = str(path) if number is None else f"{path}:{number}"
    try:
        value = json.loads(text)
        if "\\u" in text:  # the only way to write half of a surrogate pair, which no file of ours can hold
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        where, reason = f"{path}:{(number or 1) + error.lineno - 1}", error.msg
    except UnicodeEncodeError as error:
        reason = f"{error.object[error.start]!a} is half of a surrogate pair"
    except RecursionError:
        reason = "nested too deeply"
    except ValueError as error:  # an integer of more digits than Python reads
        reason = str(error).partition(";")[0]
    raise UserError(f"{where} must be valid JSON, got malformed JSON ({reason}): correct or remove it")


def read_jsonl(path: Path, names: None = None) -> Records:
    """Read an object from each line, with its own column names."""
    for number, line in _lines(path):
        record = parse_json(line, path, number)
        if not isinstance(record, dict):
            raise UserError(f"{path}:{number} must be a JSON object, got {line[:40]!r}: correct or remove it")
        check_num_columns(f"{path}:{number}", len(record))
        yield number, record


def read_tab_separated(path: Path, names: Sequence[str] | None = None) -> Records:
    """Read a header, then tab-separated fields, as GLUE has them: a quotation mark is a character like any other.

    Args:
        path: The file.
        names: The columns of a file without a header.
    """
    rows = ((number, line.split("\t")) for number, line in _lines(path))
    return _under_header(path, rows, names, "correct or remove the line")


def read_csv(path: Path, names: Sequence[str] | None = None) -> Records:
    """Read a header, then comma-separated fields (RFC 4180): quoted ones may contain commas and line ends.

    Args:
        path: The file.
        names: The columns of a file without a header.
    """
    remedy = 'correct the line; a text that holds a comma stands in quotation marks, "like, this"'
    return _under_header(path, _csv_rows(path), names, remedy)


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(2**31 - 1)  # Python's own is 131,072 characters
    rows = csv.reader((text for _, text in decoded_lines(path)), strict=True)
    while True:
        number = rows.line_num + 1  # a row may span lines: it goes by its first
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reason, remedy = str(error), "close each quotation mark, and double those inside a text"
            if "new-line" in reason:
                reason, remedy = "a carriage return outside quotation marks", "give all lines the same line end"
            raise UserError(f"{path}:{number} must be valid csv, got malformed csv ({reason}): {remedy}") from None
        if fields:
            yield number, fields


def read_parquet(path: Path, names: None = None) -> Records:
    """Read the rows of an Apache Parquet file, with its own column names."""
    number = 0
    try:
        file = pyarrow.parquet.ParquetFile(path)
        _check_unique(str(path), file.schema_arrow.names)
        for batch in bounded_batches(file, path):
            batch.validate(full=True)  # else a text that is not UTF-8 is found without its place
            for record in batch.to_pylist():
                number += 1
                yield number, record
    except UserError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} must be readable as parquet, got an error after row {number} ({reason}): write it again"
        ) from None


READERS: dict[str, Callable[..., Records]] = {
    ".csv": read_csv,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".tsv": read_tab_separated,
    ".txt": read_tab_separated,
}

WITH_HEADER = (".csv", ".tsv", ".txt")  # kinds whose first line names the columns, or nothing does
