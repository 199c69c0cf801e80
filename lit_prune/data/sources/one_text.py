"""`OneText`: rows of another source with one of their two texts alone."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal

from lit_prune.data.sources.source import Row, Source


class OneText(Source):
    """Rows of another source with one of their two texts alone, for models that should not solve the task.

    Args:
        source: The source of whole rows.
        text: The text that rows keep, as their first.
        train_on: An OOD set of which every second row is for training and the others remain. If None, the training set.
    """

    def __init__(self, source: Source, text: Literal["text_a", "text_b"], train_on: str | None = None) -> None:
        self.source = source
        self.text = text
        self.train_on = train_on
        self.version = source.version

    def available(self, root: str | None) -> list[str]:
        """Return the splits of the source."""
        return self.source.available(root)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return that of the source with the arguments."""
        whole = self.source.fingerprint(self._split(split), root)
        return {"one_text": self.text, "train_on": self.train_on, "split": split, "source": whole}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        rows = self.source.rows(self._split(split), root)
        if self.train_on is not None and split in ("train", self.train_on):
            rows = islice(rows, int(split != "train"), None, 2)
        for row in rows:
            yield {**row, "text_a": row[self.text], "text_b": ""}

    def _split(self, split: str) -> str:
        return self.train_on if self.train_on is not None and split == "train" else split
