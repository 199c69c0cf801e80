"""The outcome of a run, read from its folder: the one place that decides whether a run is complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.runs import recorded
from lit_prune.runs.recorded import is_number, read_metrics

DAMAGED = "damaged"  # the status of a run with a file that cannot be read: it is run again
_TEXTS, _MAPPINGS, _NUMBERS = (
    ("status", "config_hash", "commit"),
    ("axes", "versions", "hardware"),
    ("seconds", "started"),
)


@dataclass(frozen=True)
class Outcome:
    """The files of a run's folder.

    Attributes:
        record: `run.json`; empty where the run has not begun.
        metrics: `metrics.json`, None: the run is not complete.
        damage: What is wrong with a file of a damaged run, of which nothing else is known.
    """

    record: Mapping[str, Any]
    metrics: Mapping[str, Any] | None
    damage: str | None = None


def read_outcome(folder: Path) -> Outcome:
    """Read a run's record and metrics; a run is complete when its metrics are there."""
    try:
        record = recorded.read_record(folder)
        for name in (*_TEXTS, *_MAPPINGS, *_NUMBERS):
            value = record.get(name)
            fits = is_number(value) if name in _NUMBERS else isinstance(value, str if name in _TEXTS else dict)
            if value is not None and not fits:
                raise UserError(f"{folder / 'run.json'}: {name} must not be {value!r:.60}: restore the file")
        metrics = read_metrics(folder / "metrics.json") if (folder / "metrics.json").is_file() else None
    except UserError as error:
        return Outcome({}, None, str(error))
    return Outcome(record, metrics)


def read_record(folder: Path) -> Mapping[str, Any]:
    """A run's `run.json`; empty where it has not begun, or where the file is damaged."""
    try:
        return recorded.read_record(folder)
    except UserError:
        return {}
