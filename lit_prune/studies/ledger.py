"""The ledger of a study, `runs.json`: its runs and their statuses, during and after execution."""

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
BLOCKED = "blocked"  # a run that it depends on has failed
SKIPPED = "skipped"  # another value of a tuned axis did better


class Ledger:
    """The file `runs.json`, a list with `name`, `axes`, `folder`, `status`, `error` and `seconds` of each run.

    The file is rewritten at every change. Failed and skipped runs keep their status until they are run again.

    Args:
        out: The study's folder.
        standings: All runs of the study, by name.
        chosen: Names of the runs to run now.
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
        """Return the status of a run."""
        return str(self.entries[name]["status"])

    def score(self, name: str) -> float:
        """Return the validation metric of a run, NaN if it is incomplete."""
        if self.status(name) != COMPLETED:
            return nan
        metrics = read_outcome(self.standings[name].folder).metrics or {}
        return float(metrics.get("selection", nan))

    def set(self, name: str, status: str, error: str | None = None) -> None:
        """Set the status of a run."""
        seconds = spent_seconds(self.standings[name].folder)
        self.entries[name] |= {"status": status, "error": error, "seconds": seconds}
        self._write()

    def _write(self) -> None:
        write_json(list(self.entries.values()), self.path)


def spent_seconds(folder: Path) -> float | None:
    """Return the duration of a run so far, over all its processes, None if it has not begun."""
    return number_of(read_record(folder), "seconds")


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of `runs.json` by name; damaged entries are ignored, as the file is rewritten."""
    try:
        listed = read_json(path, list) if path.is_file() else []
    except UserError:
        return {}
    return {each["name"]: each for each in listed if isinstance(each, dict) and isinstance(each.get("name"), str)}


@contextmanager
def lock_study(out: Path) -> Iterator[None]:
    """Lock the folder of a study.

    Raises:
        UserError: Another process has locked the folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released by the system when this process ends
        except OSError as error:
            raise UserError(
                f"--out must not be in use, got {out}, where another process runs the study: wait"
            ) from error
        yield


@contextmanager
def lock_run(place: Path) -> Iterator[None]:
    """Lock the folder of a run, waiting until no other process has locked it."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".claim").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_study(out: Path, study: Study) -> None:
    """Write the source of a study to `study.yaml`."""
    content = yaml.safe_dump(dict(study.source), sort_keys=False, allow_unicode=True)
    write_atomically(out / "study.yaml", lambda partial: partial.write_text(content))


def check_folder(out: Path, study: Study) -> None:
    """Check that a folder does not contain another study.

    Raises:
        UserError: The folder contains a study with another title.
    """
    path = out / "study.yaml"
    if path.is_file() and (title := read_yaml(path).get("title")) != study.source["title"]:
        raise UserError(
            f"--out must be a folder of this study, got {out} with the study {title!r}: choose another, or restore the "
            "title"
        )
