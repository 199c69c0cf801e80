"""A run of a study and its numbers, read from `run.json`, `metrics.json` and `speed.json`."""

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.files import read_json
from lit_prune.limits import LONGEST_VALUE, bounded_text
from lit_prune.report.rules import numbers_by_rule
from lit_prune.runs.evaluations import Evaluation, read_evaluations
from lit_prune.runs.outcome import DAMAGED, Outcome, read_outcome
from lit_prune.runs.recorded import is_number, number_of
from lit_prune.runs.upgrade import is_old

Value = str | int | float

PLANNED = "planned"  # the status of a run that has not begun
SKIPPED = "skipped"  # the status of a run that will not begin, because another value of an axis did better

_VERSION = re.compile(r"([^/]+)/version")  # the name of a task's version in `metrics.json`
TIMES = ("wall_seconds",)  # numbers that differ between repetitions of a run


@dataclass(frozen=True)
class Run:
    """A run of a study, begun or not.

    Attributes:
        name: Name in the study.
        folder: Folder of the run.
        status: `completed` if there are metrics, otherwise the status in the study or in the run's record.
        error: Error of a failed run, or the run that a blocked one waits for.
        files: Prefix of the names of its files in the folder.
        axes: Values of the axes that the run has.
        config_hash: Hash of the configuration.
        commit: Commit of the code, with `+` if files differed from it.
        lit_prune: Version of the package.
        hardware: Device, threads and precision.
        seconds: Duration.
        peak_memory: Peak memory in bytes.
        is_old: True if version 0.1.0 wrote it.
        experiment: Name of the experiment.
        selection: Metrics that select the model, by task.
        supervision: Supervision beyond labels that a model was trained with, by model; empty if not recorded.
        task_versions: Versions of the tasks' rows, 1 for those of version 0.1.0, which recorded none.
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
    peak_memory: float | None = None
    is_old: bool = False
    experiment: str | None = None
    selection: Mapping[str, str] = field(default_factory=dict)
    supervision: Mapping[str, Sequence[str]] = field(default_factory=dict)
    task_versions: Mapping[str, int] = field(default_factory=dict)

    @property
    def base_name(self) -> str:
        """Name of the run, without that of a round of iterative pruning."""
        return self.name.removesuffix(f"/{self.files.removesuffix('_')}")


def read_run(folder: Path, planned: Mapping[str, Any]) -> tuple[Run, dict[str, float]]:
    """Read a run and its numbers by their names in `metrics.json` and `speed.json`.

    An incomplete run, or one with a damaged file, which `error` names, has no numbers. A damaged `speed.json` is
    ignored with a warning. Texts are shortened, and a number with a longer name is ignored.

    Args:
        folder: The study's folder.
        planned: The entry of the run in `runs.json`, with its `name` at least.
    """
    run_folder = folder / planned.get("folder", f"{planned['name']}/version_0")
    outcome = _read_outcome(run_folder)
    record, complete = outcome.record, outcome.metrics is not None
    listed = planned.get("axes") or {}
    speed = _read_speed(run_folder / "speed.json") if complete else {}
    selection = _texts(record.get("selection"))
    evaluations = run_evaluations(run_folder) if complete else []
    by_rule = numbers_by_rule(evaluations, selection) if evaluations else {}
    status = planned.get("status") or record.get("status", PLANNED)
    if outcome.damage is not None:
        status = DAMAGED
    elif status == "completed" and not complete:
        status = "without metrics"
    run = Run(
        name=bounded_text(planned["name"]),
        folder=run_folder,
        status="completed" if complete else bounded_text(status),
        error=_text(outcome.damage or planned.get("error")),
        files="",
        axes=listed | (record.get("axes") or {}) | listed,  # in the study's order
        config_hash=_text(record.get("config_hash")),
        commit=_text(record.get("commit")),
        lit_prune=_text((record.get("versions") or {}).get("lit_prune")),
        hardware=_text(_hardware(record.get("hardware"))),
        seconds=number_of(record, "seconds"),
        peak_memory=evaluations[-1].peak_memory if evaluations else None,
        is_old=is_old(record),
        experiment=_text(record.get("experiment")),
        selection=selection,
        supervision=_lists(record.get("supervision")),
        task_versions=_task_versions(outcome.metrics or {}, is_old(record)),
    )
    numbers = {
        sys.intern(bounded_text(name)): float(value)
        for name, value in (by_rule | speed | dict(outcome.metrics or {})).items()
        if is_number(value) and len(name) <= LONGEST_VALUE and name not in TIMES and not _VERSION.fullmatch(name)
    }
    return run, numbers


def _task_versions(metrics: Mapping[str, Any], is_old: bool) -> dict[str, int]:
    """Return the versions of the tasks; for version 0.1.0, which recorded none, that of its generated tasks."""
    if is_old:
        return dict.fromkeys((name.partition("/")[0] for name in metrics if "/id/" in name), 1)
    found = ((_VERSION.fullmatch(name), value) for name, value in metrics.items())
    return {bounded_text(name[1]): int(value) for name, value in found if name is not None}


def _read_outcome(folder: Path) -> Outcome:
    """Return the outcome of a run, damaged if its folder cannot be one, as its name is too long."""
    try:
        return read_outcome(folder)
    except OSError as error:
        reason = f"the folder of a run must be readable, got {error.strerror}: grant access or correct runs.json"
        return Outcome({}, None, reason)


def _texts(recorded: Any) -> dict[str, str]:
    """Return the texts in a recorded mapping, shortened."""
    found = recorded.items() if isinstance(recorded, dict) else ()
    return {name: bounded_text(value) for name, value in found if isinstance(value, str)}


def _lists(recorded: Any) -> dict[str, list[str]]:
    """Return the lists of texts in a recorded mapping, each text shortened."""
    found = recorded.items() if isinstance(recorded, dict) else ()
    return {name: [bounded_text(str(each)) for each in values] for name, values in found if isinstance(values, list)}


def _text(value: Any) -> str | None:
    return bounded_text(str(value)) if value else None


def _read_speed(path: Path) -> dict[str, Any]:
    """Return the content of `speed.json`; empty if the file does not exist, or, with a warning, if it is damaged."""
    try:
        return read_json(path, dict) if path.is_file() else {}
    except UserError as error:
        warnings.warn(f"{error}: the report does not contain the speeds of this run", stacklevel=3)
        return {}


def run_evaluations(folder: Path) -> list[Evaluation]:
    """Return the evaluations in `evaluations.json`; none, with a warning, if the file is damaged."""
    try:
        return read_evaluations(folder)
    except UserError as error:
        warnings.warn(f"{error}: the report does not contain other selections of this run", stacklevel=3)
        return []


def _hardware(recorded: Mapping[str, Any] | None) -> str | None:
    if not recorded:
        return None
    device, threads, precision = (recorded.get(key, "unknown") for key in ("device", "num_threads", "precision"))
    return f"{recorded.get('num_devices', 1)} x {device}, {threads} threads, {precision}"
