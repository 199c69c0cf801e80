"""A study's `runs.json`: all its runs and how each stands, for whoever reads the study while or after it runs."""

import fcntl
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from math import nan
from pathlib import Path
from typing import Any

import yaml

from lit_prune.errors import UserError
from lit_prune.files import write_atomically, write_json
from lit_prune.studies.standing import Standing, read_record
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
        before = {each["name"]: each for each in json.loads(self.path.read_text())} if self.path.is_file() else {}
        self.entries: dict[str, dict[str, Any]] = {}
        for name, standing in standings.items():
            status, error = COMPLETED if standing.done else PLANNED, None
            ended = before.get(name, {}).get("status") in (FAILED, BLOCKED, SKIPPED)
            if ended and not standing.done and name not in chosen:
                status, error = before[name]["status"], before[name]["error"]
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
        return float(json.loads((self.standings[name].folder / "metrics.json").read_text()).get("selection", nan))

    def set(self, name: str, status: str, error: str | None = None) -> None:
        """Say how a run stands."""
        seconds = spent_seconds(self.standings[name].folder)
        self.entries[name] |= {"status": status, "error": error, "seconds": seconds}
        self._write()

    def _write(self) -> None:
        write_json(list(self.entries.values()), self.path)


def spent_seconds(folder: Path) -> float | None:
    """Seconds that a run has taken so far, over all its processes; None: it has not begun."""
    return read_record(folder).get("seconds")


@contextmanager
def locked(out: Path) -> Iterator[None]:
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
def claimed(place: Path) -> Iterator[None]:
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
    if path.is_file() and (title := yaml.safe_load(path.read_text())["title"]) != study.source["title"]:
        raise UserError(f"{out} holds the study {title!r}: give another --out, or the study its title back")
