"""What a run left behind: the one place that decides for a study and for its report whether a run is complete."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.files import read_json

DAMAGED = "damaged"  # the status of a run with a file that cannot be read: it is run again
_ROUND = re.compile(r"(round_\d+)/.+")
_NUMBERS = ("sparsity", "density", "selection", "seed", "step", "steps", "wall_seconds")
_OF_RECORD: Mapping[str, type | tuple[type, ...]] = {
    "axes": dict,
    "versions": dict,
    "hardware": dict,
    "seconds": (int, float),
    "started": (int, float),
    "status": str,
    "config_hash": str,
    "commit": str,
}


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
        record = _read(folder / "run.json")
        for name, kind in _OF_RECORD.items():
            if record.get(name) is not None and not _is(record[name], kind):
                raise UserError(f"{folder / 'run.json'}: {name} must not be {record[name]!r:.60}: restore the file")
        metrics = _read(folder / "metrics.json") if (folder / "metrics.json").is_file() else None
        if metrics is not None:
            _check_metrics(metrics, folder / "metrics.json")
    except UserError as error:
        return Outcome({}, None, str(error))
    return Outcome(record, metrics)


def read_record(folder: Path) -> Mapping[str, Any]:
    """A run's `run.json`; empty where it has not begun, or where the file is damaged."""
    try:
        return _read(folder / "run.json")
    except UserError:
        return {}


def number_of(record: Mapping[str, Any], name: str) -> float | None:
    """A number of a record; None where there is none."""
    value = record.get(name)
    return float(value) if _is(value, (int, float)) else None


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = read_json(path, dict) if path.is_file() else {}
    return content


def _check_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    for name, value in metrics.items():
        numeric = "/" in name or name in _NUMBERS
        if not _is(value, (int, float) if numeric else (int, float, str, bool, type(None))):
            raise UserError(f"{path}: {name} must be a number, got {value!r:.60}: restore the file, or run it again")
    rounds = {found[1] for name in metrics if (found := _ROUND.fullmatch(name))}
    needed = [f"{each}/{name}" for each in rounds for name in ("sparsity", "step")] + ["sparsity"] * bool(rounds)
    if missing := [name for name in needed if name not in metrics]:
        raise UserError(f"{path} must have {missing[0]}, got none: restore the file, or run it again")


def _is(value: Any, kinds: type | tuple[type, ...]) -> bool:
    """True if a value is of one of the kinds; a bool is no number, nor is what no float can hold."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int):
        return int in kinds and -(2**1000) < value < 2**1000
    return isinstance(value, kinds) and not (isinstance(value, float) and isinf(value))
