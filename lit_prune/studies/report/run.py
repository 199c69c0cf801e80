"""One run of a study, and its numbers; read from `run.json`, `metrics.json` and `speed.json` alone."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.files import read_json
from lit_prune.recorded import number_of
from lit_prune.studies.outcome import DAMAGED, read_outcome

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


def read_run(folder: Path, planned: Mapping[str, Any]) -> tuple[Run, dict[str, float]]:
    """A run, and its numbers by their keys in `metrics.json` and, if it is there, `speed.json`.

    There are none while the run is not complete, or where a file of it is damaged, which `error` then tells.

    Args:
        folder: The study's.
        planned: What `runs.json` says of the run, its `name` at least.

    Raises:
        UserError: its `speed.json` is not what it should be.
    """
    place = folder / planned.get("folder", f"{planned['name']}/version_0")
    outcome = read_outcome(place)
    record, complete = outcome.record, outcome.metrics is not None
    listed = planned.get("axes") or {}
    speed = read_json(place / "speed.json", dict) if complete and (place / "speed.json").is_file() else {}
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
    )
    numbers = {
        sys.intern(name): float(value)
        for name, value in (speed | dict(outcome.metrics or {})).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in TIMES
    }
    return run, numbers


def _hardware(told: Mapping[str, Any] | None) -> str | None:
    if not told:
        return None
    device, threads, precision = (told.get(each, "unknown") for each in ("device", "num_threads", "precision"))
    return f"{told.get('num_devices', 1)} x {device}, {threads} threads, {precision}"
