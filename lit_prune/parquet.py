"""Limits on parquet files, so that one that expands to far more than its size is rejected in seconds."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow
import pyarrow.compute
import pyarrow.parquet

from lit_prune.errors import UserError
from lit_prune.limits import check_num_columns

_UNPACKED, _RATIO = 64 * 2**20, 100  # largest parquet in memory: bytes, plus bytes per byte of the file
_BATCH = 1000  # rows


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
            f"{path} must be readable as parquet, got {' '.join(str(error).split())}: restore the file"
        ) from error
    for name in schema.names:
        if table[name].null_count:
            raise UserError(f"{path} must have a value of {name!r} in each row, got null: restore the file")
    return table


def _num_bytes(column: pyarrow.Array) -> int:
    """Return the size of a column in bytes, with the texts of a dictionary counted at each occurrence."""
    if pyarrow.types.is_dictionary(column.type) and pyarrow.types.is_string(column.type.value_type):
        return pyarrow.compute.sum(pyarrow.compute.binary_length(column.dictionary).take(column.indices)).as_py() or 0
    num: int = column.nbytes
    return num


def _unpacks(path: Path, most: int) -> UserError:
    return UserError(f"{path} must unpack to at most {most:,} bytes, got more: check that it is the right file")
