"""`WithUnlabelled`: the rows of another source, and texts without labels that a teacher labels."""

from collections.abc import Iterator
from typing import Any

from lit_prune.data.sources.files import TextSplit, file_fingerprint, file_rows, find_file
from lit_prune.data.sources.source import UNLABELLED_SPLIT, Row, Source
from lit_prune.errors import UserError


class WithUnlabelled(Source):
    """The rows of another source, and those of a file without labels, which are added to the training set.

    Every loss of the run has to do without labels, such as `Distillation` with hardness 1: the rows are labelled by its
    teacher. `num_train` counts labelled rows alone.

    Args:
        source: The labelled rows.
        unlabelled: The file below `--data.root`; its columns are texts.
    """

    def __init__(self, source: Source, unlabelled: TextSplit) -> None:
        self.source = source
        self.unlabelled = unlabelled
        self.version = source.version

    def available(self, root: str | None) -> list[str]:
        """Return the splits of the source, and `unlabelled`.

        Raises:
            UserError: The source has unlabelled rows already, or there is no such file.
        """
        splits = self.source.available(root)
        if UNLABELLED_SPLIT in splits:
            raise UserError(
                f"source of WithUnlabelled must have no split {UNLABELLED_SPLIT}, got one: put all rows into one file"
            )
        find_file(self.unlabelled.paths, root)
        return [*splits, UNLABELLED_SPLIT]

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return that of the source, or of the file."""
        if split != UNLABELLED_SPLIT:
            return self.source.fingerprint(split, root)
        return file_fingerprint(find_file(self.unlabelled.paths, root), self.unlabelled)

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        if split != UNLABELLED_SPLIT:
            return self.source.rows(split, root)
        return file_rows(find_file(self.unlabelled.paths, root), self.unlabelled, self.unlabelled.header)
