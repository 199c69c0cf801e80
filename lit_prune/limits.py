"""Limits on files that are read, so that a file that expands to far more than its size is rejected in seconds."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, AnyStr

import pyarrow
import pyarrow.compute
import pyarrow.parquet
import yaml

from lit_prune.errors import UserError

LARGEST_TEXT = 256 * 2**20  # bytes of a json or yaml file
LONGEST_LINE = 16 * 2**20  # characters
LARGEST_YAML = 2**20  # bytes; yaml is slow to parse
MOST_COLUMNS = 10_000
_MOST_NODES = 1_000_000  # of a yaml, with aliases expanded
_UNPACKED, _RATIO = 64 * 2**20, 100  # largest parquet in memory: bytes, plus bytes per byte of the file
_BATCH = 1000  # rows

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def bounded_lines(file: IO[AnyStr], path: Path) -> Iterator[AnyStr]:
    """Yield the lines of an open file.

    Raises:
        UserError: A line is longer than `LONGEST_LINE`.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise UserError(f"{path}:{number}: a line must have at most {LONGEST_LINE:,} characters: is it a table?")
        yield line


def read_bounded(path: Path) -> bytes:
    """Return the content of a json or yaml file.

    Raises:
        UserError: The file has more bytes than `LARGEST_TEXT`.
    """
    size = path.stat().st_size
    if size > LARGEST_TEXT:
        raise UserError(
            f"{path} must have at most {LARGEST_TEXT:,} bytes, got {size:,}: check that it is the right file"
        )
    return path.read_bytes()


def check_num_columns(where: str, num: int) -> None:
    """Check the number of columns of a table.

    Raises:
        UserError: The table has more columns than `MOST_COLUMNS`.
    """
    if num > MOST_COLUMNS:
        raise UserError(f"{where} must have at most {MOST_COLUMNS:,} columns, got {num:,}: remove unused ones")


def bounded_batches(
    file: pyarrow.parquet.ParquetFile, path: Path, columns: Sequence[str] | None = None
) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows of an open parquet file in batches of 1,000.

    Raises:
        UserError: The rows take far more memory than the file has bytes.
    """
    most = _UNPACKED + _RATIO * os.path.getsize(path)
    unpacked = 0
    groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
    if sum(each.total_byte_size for each in groups) > most:
        raise _unpacks(path, most)
    for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
        unpacked += sum(map(_num_bytes, batch.columns))
        if unpacked > most:
            raise _unpacks(path, most)
        yield batch


def read_parquet_table(path: Path, schema: pyarrow.Schema) -> pyarrow.Table:
    """Read the columns of a schema from a parquet file that this package wrote.

    Raises:
        UserError: The file cannot be read or is too large, or a column has another type or a null.
    """
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            check_num_columns(str(path), file.metadata.num_columns)
            if missing := [name for name in schema.names if name not in file.schema_arrow.names]:
                raise UserError(f"{path} must have the column {missing[0]!r}, got none: restore the file")
            batches = list(bounded_batches(file, path, schema.names))
            if not batches:
                return schema.empty_table()
            table = pyarrow.Table.from_batches(batches).select(schema.names).cast(schema)
        table.validate(full=True)
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{path} cannot be read as parquet ({' '.join(str(error).split())}): restore the file"
        ) from error
    for name in schema.names:
        if table[name].null_count:
            raise UserError(f"{path} must have a value of {name!r} in each row, got null: restore the file")
    return table


def parse_yaml(content: bytes, path: Path) -> Any:
    """Parse a yaml of plain values.

    Raises:
        UserError: The content is not yaml, is too large or too deep, or its aliases expand to too much.
    """
    if len(content) > LARGEST_YAML:
        raise UserError(f"{path} must have at most {LARGEST_YAML:,} bytes, got {len(content):,}: is it a yaml?")
    try:
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} cannot be read as yaml: {' '.join(str(error).split())}") from error


def _num_bytes(column: pyarrow.Array) -> int:
    """Return the size of a column in bytes, with the texts of a dictionary counted at each occurrence."""
    if pyarrow.types.is_dictionary(column.type) and pyarrow.types.is_string(column.type.value_type):
        return pyarrow.compute.sum(pyarrow.compute.binary_length(column.dictionary).take(column.indices)).as_py() or 0
    num: int = column.nbytes
    return num


def _unpacks(path: Path, most: int) -> UserError:
    return UserError(f"{path} must unpack to at most {most:,} bytes, got more: check that it is the right file")


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of nodes in a tree, with aliases expanded."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = _MOST_NODES  # an alias of a node inside itself would never end
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [child for pair in node.value for child in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    num = 1 + sum(_count(child, known) for child in children)
    if num > _MOST_NODES:
        raise ValueError("its aliases expand to too many nodes")
    known[id(node)] = num
    return num
