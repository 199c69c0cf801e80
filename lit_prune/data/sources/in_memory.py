"""`InMemory`: rows of tables in memory, checked and copied when a source is built."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow
from datasets.fingerprint import Hasher

from lit_prune.data.sources.source import Row, Source


class InMemory(Source):
    """Rows in memory: a table that is changed later needs a new source.

    Args:
        tables: Split -> its rows.
    """

    def __init__(self, tables: Mapping[str, pyarrow.Table]) -> None:
        self._tables = dict(tables)

    def available(self, root: str | None) -> list[str]:
        """Return the splits of which there is a table."""
        return list(self._tables)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return a hash of the split's rows."""
        return {"rows": Hasher.hash(self._tables[split])}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """Yield the rows of a split."""
        for batch in self._tables[split].to_batches(max_chunksize=1000):
            yield from batch.to_pylist()
