"""The outcome of a run, read from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.runs import recorded
from lit_prune.runs.recorded import is_number, read_metrics

DAMAGED = "damaged"  # the status of a run with an unreadable file; a study runs it again
_TEXTS, _MAPPINGS, _NUMBERS = (
    ("status", "config_hash", "commit"),
    ("axes", "versions", "hardware"),
    ("seconds", "started"),
)


@dataclass(frozen=True)
class Outcome:
    """Record and metrics of a run.

    Attributes:
        record: Content of `run.json`, empty if the run has not begun or is damaged.
        metrics: Content of `metrics.json`, None if the run is incomplete or damaged.
        damage: The error of an unreadable file, None if there is none.
    """

    record: Mapping[str, Any]
    metrics: Mapping[str, Any] | None
    damage: str | None = None


def read_outcome(folder: Path) -> Outcome:
    """Read record and metrics of a run; a run with metrics is complete."""
    try:
        record = recorded.read_record(folder)
        for name in (*_TEXTS, *_MAPPINGS, *_NUMBERS):
            value = record.get(name)
            fits = is_number(value) if name in _NUMBERS else isinstance(value, str if name in _TEXTS else dict)
            if value is not None and not fits:
                kind = "a number" if name in _NUMBERS else "text" if name in _TEXTS else "a mapping"
                raise UserError(f"{folder / 'run.json'}: {name} must be {kind}, got {value!r:.60}: restore the file")
        metrics = read_metrics(folder / "metrics.json") if (folder / "metrics.json").is_file() else None
    except UserError as error:
        return Outcome({}, None, str(error))
    return Outcome(record, metrics)


def read_record(folder: Path) -> Mapping[str, Any]:
    """Return the content of a run's `run.json`, empty if the run has not begun or the file is damaged."""
    try:
        return recorded.read_record(folder)
    except UserError:
        return {}
