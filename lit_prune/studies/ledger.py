"""A study's `runs.json`: all its runs and how each stands, for whoever reads the study while or after it runs."""

import fcntl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from math import nan
from pathlib import Path
from typing import Any

import yaml

from lit_prune.errors import UserError
from lit_prune.files import read_json, read_yaml, write_atomically, write_json
from lit_prune.runs.outcome import read_outcome, read_record
from lit_prune.runs.recorded import number_of
from lit_prune.studies.standing import Standing
from lit_prune.studies.study import Study

PLANNED, RUNNING, COMPLETED, FAILED = "planned", "running", "completed", "failed"
BLOCKED = "blocked"  # what it needs has failed
SKIPPED = "skipped"  # another value did better


class Ledger:
    """Keeps `runs.json`, a list with `name`, `axes`, `folder`, `status`, `error` and `seconds` of each run.

    It is written whole at every change. What failed or was skipped stays so until it is tried again.

    Args:
        out: The study's folder.
        standings: Where every run stands, by name.
        chosen: Names of those that are to be run now.
    """

    def __init__(self, out: Path, standings: Mapping[str, Standing], chosen: Collection[str]) -> None:
        self.path = out / "runs.json"
        self.standings = standings
        before = _read(self.path)
        self.entries: dict[str, dict[str, Any]] = {}
        for name, standing in standings.items():
            status, error = COMPLETED if standing.done else PLANNED, None
            ended = before.get(name, {}).get("status") in (FAILED, BLOCKED, SKIPPED)
            if ended and not standing.done and name not in chosen:
                status, error = before[name]["status"], before[name].get("error")
            self.entries[name] = {
                "name": name,
                "axes": dict(standing.run.axes),
                "folder": str(standing.folder.relative_to(out)),
                "status": status,
                "error": error,
                "seconds": spent_seconds(standing.folder),
            }
        self._write()

    def status(self, name: str) -> str:
        """How a run stands."""
        return str(self.entries[name]["status"])

    def score(self, name: str) -> float:
        """How a run did on validation, NaN where it is not complete."""
        if self.status(name) != COMPLETED:
            return nan
        metrics = read_outcome(self.standings[name].folder).metrics or {}
        return float(metrics.get("selection", nan))

    def set(self, name: str, status: str, error: str | None = None) -> None:
        """Say how a run stands."""
        seconds = spent_seconds(self.standings[name].folder)
        self.entries[name] |= {"status": status, "error": error, "seconds": seconds}
        self._write()

    def _write(self) -> None:
        write_json(list(self.entries.values()), self.path)


def spent_seconds(folder: Path) -> float | None:
    """Seconds that a run has taken so far, over all its processes; None: it has not begun."""
    return number_of(read_record(folder), "seconds")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The runs of a `runs.json` by name, as far as it can be read: it is written anew."""
    try:
        listed = read_json(path, list) if path.is_file() else []
    except UserError:
        return {}
    return {each["name"]: each for each in listed if isinstance(each, dict) and isinstance(each.get("name"), str)}


@contextmanager
def hold_study(out: Path) -> Iterator[None]:
    """Hold a study's folder for this process alone.

    Raises:
        UserError: another process runs the study there.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system takes it back, however this process ends
        except OSError as error:
            raise UserError(f"another process runs the study in {out}: let it end, or give another --out") from error
        yield


@contextmanager
def hold_place(place: Path) -> Iterator[None]:
    """Hold the place of a run for this process alone; wait until another has let it go, or has ended."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".claim").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_study(out: Path, study: Study) -> None:
    """Write `study.yaml`, the study as it was read."""
    content = yaml.safe_dump(dict(study.source), sort_keys=False, allow_unicode=True)
    write_atomically(out / "study.yaml", lambda partial: partial.write_text(content))


def check_folder(out: Path, study: Study) -> None:
    """A folder must not be another study's.

    Raises:
        UserError: it is.
    """
    path = out / "study.yaml"
    if path.is_file() and (title := read_yaml(path).get("title")) != study.source["title"]:
        raise UserError(f"{out} holds the study {title!r}: give another --out, or the study its title back")
