"""Where the runs of a study stand: found in their folders alone, whatever has happened since the last start.

A run's folders are `<study>/<name>/version_<n>`, numbered by Lightning. Of these the run's own is the newest with the
settings that the study gives it now; where there is none, it is the next, and what is there is left alone. So a changed
study runs what has changed, and one that is changed back finds what it had. A folder with a damaged file is left alone
too: its run is run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.callbacks.record import decisive
from lit_prune.errors import UserError
from lit_prune.fitting.upgraded import as_argument
from lit_prune.limits import parse_yaml
from lit_prune.runs.outcome import read_outcome, read_record
from lit_prune.runs.recorded import number_of
from lit_prune.runs.upgrade import upgrade_config
from lit_prune.studies.plan import Run
from lit_prune.studies.resolution import START_FROM, Resolve, resolving_once

DONE, RESUME, CHANGED, NEW = "done", "resume", "changed", "new"


@dataclass(frozen=True)
class Standing:
    """Where a run stands.

    Args:
        run: The run.
        folder: Its folder, which may not be there yet.
        state: `done`, `resume` (it was cut off), `changed` (only runs of other settings, or of another ancestor, are
            there) or `new`.
        arguments: The arguments of `lit_prune fit` that run it or continue it.
    """

    run: Run
    folder: Path
    state: str
    arguments: tuple[str, ...]

    @property
    def output(self) -> Path:
        """Where what it prints is kept."""
        return self.folder.parent / "output.txt"

    @property
    def done(self) -> bool:
        """Whether there is nothing to do."""
        return self.state == DONE


def find_standings(plan: Sequence[Run], out: Path, resolve: Resolve) -> dict[str, Standing]:
    """Where each run of a plan stands, by name.

    Args:
        plan: The runs, each after the one it starts from.
        out: The study's folder.
        resolve: Arguments of `lit_prune fit` -> the configuration that they resolve to.

    Raises:
        UserError: `fit` does not know what a run says to it, or could not run it in this process.
    """
    standings: dict[str, Standing] = {}
    resolve = resolving_once(resolve)
    for run in plan:
        try:
            standings[run.name] = _find(run, out, standings.get(run.ancestor or ""), resolve)
        except UserError as error:
            raise UserError(f"run {run.name}: {error}") from error
    return standings


def _find(run: Run, out: Path, ancestor: Standing | None, resolve: Resolve) -> Standing:
    start = () if ancestor is None else (f"--{START_FROM}={ancestor.folder}",)
    wanted = resolve((*run.arguments, *start))
    _check_trainer(wanted["trainer"])
    versions = _versions(out / run.name)
    for number in sorted(versions, reverse=True):
        folder = out / run.name / f"version_{number}"
        outcome = read_outcome(folder)
        if outcome.damage is None and _is_of(folder, wanted, ancestor, resolve):
            state = RESUME if outcome.metrics is None else DONE
            return Standing(run, folder, state, ("--resume", str(folder), *start))
    where = (f"--trainer.default_root_dir={out}", f"--experiment={run.name}")
    folder = out / run.name / f"version_{max(versions, default=-1) + 1}"
    return Standing(run, folder, CHANGED if versions else NEW, (*run.arguments, *start, *where))


def _check_trainer(trainer: dict[str, Any]) -> None:
    if trainer.get("logger", True) is not True:
        raise UserError("trainer.logger is set, and runs of a study are found where `fit` itself puts them: drop it")
    if str(trainer["devices"]) != "1" or trainer["num_nodes"] != 1:
        raise UserError(
            f"trainer.devices is {trainer['devices']} and num_nodes {trainer['num_nodes']}: a study runs in one "
            "process, set both to 1"
        )


def _versions(folder: Path) -> list[int]:
    numbers = [path.name.removeprefix("version_") for path in folder.glob("version_*") if path.is_dir()]
    return [int(number) for number in numbers if number.isdecimal()]


def _is_of(folder: Path, wanted: dict[str, Any], ancestor: Standing | None, resolve: Resolve) -> bool:
    """Whether a folder is of a run with these settings that started from this ancestor as it is."""
    path = folder / "config.yaml"
    if (
        not path.is_file()
        or path.is_symlink()
        or not _has_settings(path, _settings(wanted, ancestor), ancestor, resolve)
    ):
        return False
    began = _began(folder)
    if ancestor is None or began is None:
        return True
    return ancestor.done and began > (_began(ancestor.folder) or 0.0)


def _has_settings(path: Path, wanted: Any, ancestor: Standing | None, resolve: Resolve) -> bool:
    """Whether a `config.yaml`, upgraded, says these settings; one that is new since then has its default."""
    try:
        content = parse_yaml(path.read_bytes(), path)
        settings = upgrade_config(content)
        if _settings(settings, ancestor) == wanted:
            return True
        complete = resolve((f"--config={as_argument(path, content, settings)}",))
        return bool(_settings(complete, ancestor) == wanted)
    except (UserError, LookupError, TypeError, AttributeError):  # cut off while it was written, or old
        return False


def _settings(config: dict[str, Any], ancestor: Standing | None) -> Any:
    """What decides the result; the ancestor by its name, wherever the study lies."""
    kept = decisive(config)
    if ancestor is not None:
        init_args = dict(kept["model"]["init_args"])
        name = (*Path(ancestor.run.name).parts, ancestor.folder.name)
        init_args["start_from"] = "/".join(Path(init_args["start_from"]).parts[-len(name) :])
        kept["model"] = {**kept["model"], "init_args": init_args}
    return kept


def _began(folder: Path) -> float | None:
    """When the last process of a run started, None: none has got that far."""
    return number_of(read_record(folder), "started")
