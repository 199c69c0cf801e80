"""Parquet files that unpack to far more than they hold, or hold something else."""

import pyarrow
import pyarrow.parquet as parquet
import pytest

from lit_prune.data.sources.readers import READERS
from lit_prune.errors import UserError
from lit_prune.parquet import read_parquet_table

SCHEMA = pyarrow.schema([("id", pyarrow.string()), ("logits", pyarrow.list_(pyarrow.float64()))])
TABLE = pyarrow.table({"id": ["a", "b"], "logits": [[0.5, 1], [2, 3]]}, schema=SCHEMA)


def write_bomb(path, keeps_types):
    """A parquet of less than a megabyte that unpacks to a gigabyte: one text of a kilobyte in a million rows."""
    text = pyarrow.array(["x" * 1024]).dictionary_encode()
    column = pyarrow.DictionaryArray.from_arrays(pyarrow.repeat(0, 2**20).cast("int32"), text.dictionary)
    parquet.write_table(pyarrow.table({"id": column}), path, compression="zstd", store_schema=keeps_types)
    assert path.stat().st_size < 2**20
    return path


@pytest.mark.parametrize("keeps_types", [True, False])  # the texts are read as numbers of texts, or as texts
def test_a_parquet_bomb_is_refused_by_all_readers(tmp_path, keeps_types):
    path = write_bomb(tmp_path / "bomb.parquet", keeps_types)
    with pytest.raises(UserError, match="must unpack to at most"):
        list(READERS[".parquet"](path))
    with pytest.raises(UserError, match="must unpack to at most"):
        read_parquet_table(path, pyarrow.schema([("id", pyarrow.string())]))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop_columns("id"), "must have the column 'id'"),
        (TABLE.set_column(0, "id", pyarrow.array(["a", None])), "must have a value of 'id' in each row"),
        (TABLE.set_column(1, "logits", pyarrow.array(["a", "b"])), "must be readable as parquet"),
    ],
)
def test_a_table_of_other_columns_is_an_error(tmp_path, table, message):
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match=message):
        read_parquet_table(tmp_path / "a.parquet", SCHEMA)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", None])
def test_what_is_no_parquet_is_an_error(tmp_path, content):
    path = tmp_path / "a.parquet"
    parquet.write_table(TABLE, path)
    assert read_parquet_table(path, SCHEMA).equals(TABLE)
    path.write_bytes(path.read_bytes()[:-20] if content is None else content)
    with pytest.raises(UserError, match="must be readable as parquet"):
        read_parquet_table(path, SCHEMA)
