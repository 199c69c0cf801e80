"""Experiments as the axis of a folder of runs that no study lists."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lit_prune.errors import UserError
from lit_prune.files import read_yaml
from lit_prune.report.run import Run

_PLACE = ("seed_everything", "experiment", "axes")  # of a run, not of its settings
_TRAINER_PLACE = ("logger", "default_root_dir")


def add_experiments(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with the further axis `experiment` if their experiments differ.

    Runs of an experiment are repetitions if their settings are equal but for the seed; otherwise the names of the runs
    replace the experiment. Runs with axes of their own, besides the seed and the sparsity of a round, stay as they are.

    Args:
        runs: The runs, with a round of iterative pruning as a run.
    """
    if any(run.axes.keys() - {"seed", "sparsity"} for run in runs):
        return list(runs)
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.experiment or run.name, []).append(run)
    repeated = {name for name, group in groups.items() if _are_repetitions(group)}
    values = [run.experiment if run.experiment in repeated else run.base_name for run in runs]
    if len(set(values)) == 1:
        return list(runs)
    return [replace(run, axes={"experiment": value, **run.axes}) for run, value in zip(runs, values, strict=True)]


def _are_repetitions(runs: Sequence[Run]) -> bool:
    """True if the runs differ in their seeds and not in their settings."""
    folders = list(dict.fromkeys(run.folder for run in runs))
    if len(folders) == 1:
        return True
    if len({repr(sorted(run.axes.items())) for run in runs}) < len(runs):
        return False
    settings = {_settings(folder) for folder in folders}
    return len(settings) == 1 and None not in settings


def _settings(folder: Path) -> str | None:
    """Return the settings of a run without its seed, name and place; None if no configuration can be read."""
    try:
        config = read_yaml(folder / "config.yaml")
    except (UserError, OSError):
        return None
    kept = {key: value for key, value in config.items() if key not in _PLACE}
    trainer = kept.get("trainer")
    if isinstance(trainer, dict):
        kept["trainer"] = {key: value for key, value in trainer.items() if key not in _TRAINER_PLACE}
    return json.dumps(kept, sort_keys=True, default=str)
