"""The runs of a certificate: fine-tuned densely with cross-entropy, on whole rows or on one of their texts alone."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.files import read_json, write_json
from lit_prune.fitting.arguments import with_config_files
from lit_prune.runs.evaluations import read_evaluations
from lit_prune.runs.recorded import read_metrics

Config = dict[str, Any]
Resolve = Callable[[Sequence[str]], Config]


class Runs:
    """Runs of `lit_prune fit` in a folder; complete ones are not run again.

    Args:
        folder: The folder.
        seed: Seed of all runs.
        resolve: Returns the configuration for arguments of `lit_prune fit`.
        run: Runs a command of `lit_prune` and returns its exit code.
    """

    def __init__(self, folder: Path, seed: int, resolve: Resolve, run: Callable[[Sequence[str]], int]) -> None:
        self.folder = folder
        self.seed = seed
        self.resolve = resolve
        self.run = run

    def config(self, configs: Sequence[str], **settings: Any) -> Config:
        """Return the configuration of several applied on top of one another.

        Args:
            configs: Their names.
            settings: Settings of the paradigm's `init_args` on top, with `__` for a dot.
        """
        further = [f"--model.init_args.{key.replace('__', '.')}={value}" for key, value in settings.items()]
        return self.resolve(with_config_files([*(f"--config={each}" for each in configs), *further]))

    def train(self, name: str, config: Config) -> dict[str, Any]:
        """Train a run unless it is complete, and return its metrics.

        Raises:
            UserError: The run failed, or the complete one has other settings.
        """
        run, path = self.folder / name / "version_0", self.folder / f"{name}.json"
        if (run / "metrics.json").is_file():
            if not path.is_file() or read_json(path, dict) != config:
                raise UserError(f"settings of {run} must be these, got others: name another folder with --root")
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(config, path)
            place = [f"--trainer.default_root_dir={self.folder}", f"--experiment={name}"]
            if code := self.run(["fit", f"--config={path}", *place, f"--seed_everything={self.seed}"]):
                raise UserError(f"run {name!r} must succeed, got exit code {code}: see its output above")
        return read_metrics(run / "metrics.json")

    def highest(self, name: str, metric: str) -> float:
        """Return the highest value of a metric among all evaluations of a run, selected or not."""
        return max(each.metrics[metric] for each in read_evaluations(self.folder / name / "version_0"))


def with_one_text(config: Mapping[str, Any], task: str, text: str, train_on: str | None) -> Config:
    """Return a configuration whose task has one text alone and no bias model; see `OneText`."""
    changed = deepcopy(dict(config))
    settings = task_settings(changed, task)
    arguments = {"source": settings["source"], "text": text, "train_on": train_on}
    settings |= {"source": {"class_path": "lit_prune.data.OneText", "init_args": arguments}, "bias": None}
    return changed


def task_settings(config: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the `init_args` of a task of a configuration.

    Raises:
        UserError: The configuration has no such task.
    """
    known = {each["init_args"]["name"]: each["init_args"] for each in config["data"]["tasks"]}
    if task not in known:
        raise UserError(f"unknown task {task!r}: choose from {', '.join(known)}")
    found: dict[str, Any] = known[task]
    return found
