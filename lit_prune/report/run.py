"""One run of a study, and its numbers; read from `run.json`, `metrics.json` and `speed.json` alone."""

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.files import read_json
from lit_prune.runs.outcome import DAMAGED, read_outcome
from lit_prune.runs.recorded import number_of
from lit_prune.runs.upgrade import is_old

Value = str | int | float

PLANNED = "planned"  # the status of a run that has not begun
SKIPPED = "skipped"  # and of one that is not to begin, as another value of an axis did better

TIMES = ("wall_seconds",)  # they differ between two runs that are otherwise the same


@dataclass(frozen=True)
class Run:
    """One run of a study, whether it is there yet or not.

    Attributes:
        name: Its name in the study.
        folder: Where `run.json` and the rest lie.
        status: `completed` where there are metrics; otherwise as the study or the run itself says.
        error: What it failed with, or what it waits for.
        files: What the names of its files in the folder begin with.
        axes: Its place in the study; an axis that it does not have is missing.
        config_hash: Hash of its configuration.
        commit: Commit that it ran from, with `+` where files differed from it.
        lit_prune: Version of the package.
        hardware: Device, threads and precision in words.
        seconds: How long it took.
        is_old: True if version 0.1.0 wrote it.
    """

    name: str
    folder: Path
    status: str
    error: str | None
    files: str
    axes: Mapping[str, Value]
    config_hash: str | None
    commit: str | None
    lit_prune: str | None
    hardware: str | None
    seconds: float | None
    is_old: bool = False


def read_run(folder: Path, planned: Mapping[str, Any]) -> tuple[Run, dict[str, float]]:
    """A run, and its numbers by their keys in `metrics.json` and, if it is there, `speed.json`.

    There are none while the run is not complete, or where a file of it is damaged, which `error` then tells; a damaged
    `speed.json` costs its own numbers alone, with a warning.

    Args:
        folder: The study's.
        planned: What `runs.json` says of the run, its `name` at least.
    """
    place = folder / planned.get("folder", f"{planned['name']}/version_0")
    outcome = read_outcome(place)
    record, complete = outcome.record, outcome.metrics is not None
    listed = planned.get("axes") or {}
    speed = _read_speed(place / "speed.json") if complete else {}
    status = planned.get("status") or record.get("status", PLANNED)
    if outcome.damage is not None:
        status = DAMAGED
    elif status == "completed" and not complete:
        status = "without metrics"
    run = Run(
        name=planned["name"],
        folder=place,
        status="completed" if complete else status,
        error=outcome.damage or planned.get("error"),
        files="",
        axes=listed | (record.get("axes") or {}) | listed,  # in the study's order
        config_hash=record.get("config_hash"),
        commit=record.get("commit"),
        lit_prune=str(versions["lit_prune"]) if (versions := record.get("versions") or {}).get("lit_prune") else None,
        hardware=_hardware(record.get("hardware")),
        seconds=number_of(record, "seconds"),
        is_old=is_old(record),
    )
    numbers = {
        sys.intern(name): float(value)
        for name, value in (speed | dict(outcome.metrics or {})).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in TIMES
    }
    return run, numbers


def _read_speed(path: Path) -> dict[str, Any]:
    """Return the content of a `speed.json`, nothing if there is no such file, or with a warning if it is damaged."""
    try:
        return read_json(path, dict) if path.is_file() else {}
    except UserError as error:
        warnings.warn(f"{error}: the report lacks the speeds of this run", stacklevel=3)
        return {}


def _hardware(told: Mapping[str, Any] | None) -> str | None:
    if not told:
        return None
    device, threads, precision = (told.get(each, "unknown") for each in ("device", "num_threads", "precision"))
    return f"{told.get('num_devices', 1)} x {device}, {threads} threads, {precision}"
