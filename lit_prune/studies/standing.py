"""States of a study's runs, determined from their folders.

The folders of a run are `<study>/<name>/version_<n>`. The run is found in the newest folder with the settings that the
study has now; if there is none, it gets the next folder, and existing folders are not touched. So a changed study runs
only changed runs, and a study that is changed back finds its earlier runs. A folder with a damaged file is ignored, and
its run is run again.
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
from lit_prune.studies.lengths import planned_steps
from lit_prune.studies.plan import Run
from lit_prune.studies.resolution import START_FROM, Resolve, resolving_once

DONE, RESUME, CHANGED, NEW = "done", "resume", "changed", "new"


@dataclass(frozen=True)
class Standing:
    """A run with its folder and state.

    Args:
        run: The run.
        folder: Folder of the run, which may not exist yet.
        state: `done`, `resume` (interrupted), `changed` (there are only runs with other settings, or from another
            ancestor) or `new`.
        arguments: Arguments of `lit_prune fit` that start or resume the run.
        steps: Planned optimizer steps, without those of the run that it starts from. None if a phase counts epochs.
    """

    run: Run
    folder: Path
    state: str
    arguments: tuple[str, ...]
    steps: int | None = None

    @property
    def output(self) -> Path:
        """File with the output of the run."""
        return self.folder.parent / "output.txt"

    @property
    def done(self) -> bool:
        """True if the run is complete."""
        return self.state == DONE


def find_standings(plan: Sequence[Run], out: Path, resolve: Resolve) -> dict[str, Standing]:
    """Find the folders and states of all runs of a plan, by name.

    Args:
        plan: The runs, each after the run that it starts from.
        out: The study's folder.
        resolve: Resolves arguments of `lit_prune fit` to a configuration.

    Raises:
        UserError: The arguments of a run are invalid, or need several processes.
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
            return Standing(run, folder, state, ("--resume", str(folder), *start), planned_steps(wanted))
    where = (f"--trainer.default_root_dir={out}", f"--experiment={run.name}")
    folder = out / run.name / f"version_{max(versions, default=-1) + 1}"
    state = CHANGED if versions else NEW
    return Standing(run, folder, state, (*run.arguments, *start, *where), planned_steps(wanted))


def _check_trainer(trainer: dict[str, Any]) -> None:
    if trainer.get("logger", True) is not True:
        raise UserError(f"trainer.logger must be left out, got {trainer['logger']}: a study sets the folders of runs")
    if str(trainer["devices"]) != "1" or trainer["num_nodes"] != 1:
        raise UserError(
            f"trainer.devices and trainer.num_nodes must be 1 in a study, got {trainer['devices']} and "
            f"{trainer['num_nodes']}: a run has one process, set both to 1"
        )


def _versions(folder: Path) -> list[int]:
    numbers = [path.name.removeprefix("version_") for path in folder.glob("version_*") if path.is_dir()]
    return [int(number) for number in numbers if number.isdecimal()]


def _is_of(folder: Path, wanted: dict[str, Any], ancestor: Standing | None, resolve: Resolve) -> bool:
    """True if a folder belongs to a run with these settings that started from the present run of its ancestor."""
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
    """True if a `config.yaml`, upgraded, has these settings; settings added since then have their defaults."""
    try:
        content = parse_yaml(path.read_bytes(), path)
        settings = upgrade_config(content)
        if _settings(settings, ancestor) == wanted:
            return True
        complete = resolve((f"--config={as_argument(path, content, settings)}",))
        return bool(_settings(complete, ancestor) == wanted)
    except (UserError, LookupError, TypeError, AttributeError):  # truncated, or of an old version
        return False


def _settings(config: dict[str, Any], ancestor: Standing | None) -> Any:
    """Return the settings that decide the result, with the ancestor by its name, independent of the study's folder."""
    kept = decisive(config)
    if ancestor is not None:
        init_args = dict(kept["model"]["init_args"])
        name = (*Path(ancestor.run.name).parts, ancestor.folder.name)
        init_args["start_from"] = "/".join(Path(init_args["start_from"]).parts[-len(name) :])
        kept["model"] = {**kept["model"], "init_args": init_args}
    return kept


def _began(folder: Path) -> float | None:
    """Return when the last process of a run started, None if there is none."""
    return number_of(read_record(folder), "started")
