"""Rows from the Hugging Face hub."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import datasets

from lit_prune.data.sources.fields import Fields, check_names, read_rows
from lit_prune.data.sources.source import Row, Source
from lit_prune.errors import UserError


@dataclass(kw_only=True)
class HubTable:
    """A table of the hub.

    Args:
        path: The data set, such as `nyu-mll/glue`.
        split: Its split, such as `validation_matched`.
        name: Its configuration, such as `mnli`.
        revision: Its commit or branch; pin a commit for reproducible rows.
    """

    path: str
    split: str
    name: str | None = None
    revision: str | None = None

    def load(self) -> Any:
        """Load the rows as a `datasets.Dataset`.

        Raises:
            UserError: They cannot be had.
        """
        try:
            return datasets.load_dataset(self.path, self.name, split=self.split, revision=self.revision)
        except (
            OSError,
            ValueError,
            RuntimeError,
            datasets.exceptions.DatasetsError,
        ) as error:  # no network, wrong names
            raise UserError(
                f"path must be a data set that can be loaded from the hub, got {self.path} (name {self.name}, split "
                f"{self.split}, revision {self.revision}; {error}): correct the name; without a network, point HF_HOME "
                "to a cache that holds it, or read local files as configs/data/mnli_files.yaml does"
            ) from error

    def __str__(self) -> str:
        return " ".join(filter(None, (self.path, self.name, self.split)))


@dataclass(kw_only=True)
class HubSplit(Fields, HubTable):
    """One split kept on the hub. Integer classes go by their names in `labels`.

    Args:
        path: The data set, such as `nyu-mll/glue`.
        split: Its split, such as `validation_matched`.
        name: Its configuration, such as `mnli`.
        revision: Its commit or branch; pin a commit for reproducible rows.
    """


class Hub(Source):
    """Data sets of the Hugging Face hub, by name; without a network, from its cache (`HF_HOME`).

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> its data
            set.
    """

    def __init__(self, splits: dict[str, HubSplit]) -> None:
        check_names(splits)
        self.splits = splits

    def available(self, root: str | None) -> list[str]:
        """Return all named splits."""
        return list(self.splits)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the table's fingerprint of `datasets`, and how it is read."""
        spec = self.splits[split]
        return {"table": spec.load()._fingerprint, "read_as": dataclasses.asdict(spec)}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        spec = self.splits[split]
        table = spec.load()
        records = ((number, _named(record, table.features)) for number, record in enumerate(table))
        yield from read_rows(records, spec, lambda number: f"{spec}, row {number}", str(spec))


def _named(record: Mapping[str, Any], features: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the numbers of classes in a record by their names; null and a number without a name (-1) stay."""
    named = dict(record)
    for column, feature in features.items():
        number = record[column]
        if isinstance(feature, datasets.ClassLabel) and number is not None and 0 <= number < feature.num_classes:
            named[column] = feature.names[number]
    return named
