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
class HubSplit(Fields):
    """One split kept on the hub. Integer classes go by their names in `labels`.

    Args:
        path: The data set, such as `nyu-mll/glue`.
        split: Its split, such as `validation_matched`.
        name: Its configuration, such as `mnli`.
        revision: Its commit or branch; pin it to get the same rows for ever.
    """

    path: str
    split: str
    name: str | None = None
    revision: str | None = None


class Hub(Source):
    """Data sets of the Hugging Face hub, by name; without a network, from its cache (`HF_HOME`).

    Args:
        splits: Split (train, id, id_mismatched, ood, ood_<set>, ood_train) -> its data set.
    """

    def __init__(self, splits: dict[str, HubSplit]) -> None:
        check_names(splits)
        self.splits = splits

    def available(self, root: str | None) -> list[str]:
        """All splits that are named."""
        return list(self.splits)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """The fingerprint that `datasets` gives the table, and how it is read."""
        spec = self.splits[split]
        return {"table": _load(spec)._fingerprint, "read_as": dataclasses.asdict(spec)}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        spec = self.splits[split]
        table = _load(spec)
        where = " ".join(filter(None, (spec.path, spec.name, spec.split)))
        records = ((number, _named(record, table.features)) for number, record in enumerate(table))
        yield from read_rows(records, spec, lambda number: f"{where}, row {number}", where)


def _load(spec: HubSplit) -> Any:
    """The table. `datasets` raises OSError, ValueError or RuntimeError for no network, wrong names and old scripts."""
    try:
        return datasets.load_dataset(spec.path, spec.name, split=spec.split, revision=spec.revision)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"cannot load {spec.path} (name {spec.name}, split {spec.split}, revision {spec.revision}) from the hub: "
            f"{error}. Correct the name; or without a network point HF_HOME to a cache that holds it, "
            "or read local files as configs/data/mnli_files.yaml does"
        ) from error


def _named(record: Mapping[str, Any], features: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the names of its classes for their numbers; a number without a name (-1: no label) stays."""
    named = dict(record)
    for column, feature in features.items():
        if isinstance(feature, datasets.ClassLabel) and 0 <= record[column] < feature.num_classes:
            named[column] = feature.names[record[column]]
    return named
