"""A finished run's result, from its folder alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from lit_prune.data.closed import convert, load_plugins
from lit_prune.data.configured import configured_tasks, setting
from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.kinds import rebuild
from lit_prune.encoders import bundled
from lit_prune.encoders.hub_files import is_on_hub
from lit_prune.errors import UserError
from lit_prune.export.model import TaskModel, empty_encoder
from lit_prune.files import read_json
from lit_prune.runs.checkpoints import check_run_id, has_base, read_checkpoint, state_of
from lit_prune.runs.recorded import config_file, read_metrics
from lit_prune.runs.upgrade import read_config, warn_if_old
from lit_prune.sparsity.install import masked_layers


class Base(NamedTuple):
    """A model that a run tuned or masked, by names that mean something on other machines: no local paths.

    Attributes:
        called: Its name for people.
        backbone: The backbone that it is: its name on the hub, or `bundled`; empty if it is in a local folder, or none.
        revision: The backbone's commit on the hub; its branch or tag if the run did not record the commit.
    """

    called: str
    backbone: str = ""
    revision: str = "main"


@dataclass(frozen=True)
class Trained:
    """The result of a finished run.

    Attributes:
        model: The selected model, masks in place, in evaluation mode.
        run: The run's folder.
        config: The run's configuration, in the present form.
        metrics: The run's `metrics.json`.
        record: The run's `run.json`.
        is_masked_base: Whether nothing but masks was trained over the run's dense model.
        factors: LoRA's, which the model's matrices have merged in, as `merge_lora` takes them; by the matrix's name.
        plugins: The classes of the user's own modules, by class path.
    """

    model: TaskModel
    run: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    record: dict[str, Any]
    is_masked_base: bool
    factors: dict[str, dict[str, Tensor]]
    plugins: Mapping[str, type] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """The name of the task that it is of.

        Raises:
            UserError: It is of several.
        """
        if len(self.model.tasks) > 1:
            raise UserError(
                f"--task must be one of the tasks of {self.run}, got none: choose from {', '.join(self.model.tasks)}"
            )
        return self.model.task

    @property
    def backbone(self) -> Base:
        """The backbone of the encoder."""
        encoder = self.model.encoder
        if encoder.name == bundled.NAME:
            return Base(encoder.name, encoder.name)
        if not is_on_hub(encoder.name):
            return Base(f"the local model {Path(encoder.name).name}")
        revision = self.record.get("backbone_commit") or encoder.arguments["revision"]
        return Base(encoder.name, encoder.name, str(revision))

    @property
    def base(self) -> Base:
        """The model that the run tuned or masked."""
        settings = setting(self.config, "model.init_args", dict)
        run = f"{self.record['experiment']}, seed {self.metrics['seed']}"
        if settings.get("start_from"):
            return Base(f"the model that {run} started from")
        if settings.get("dense") or settings.get("phases"):
            return Base(f"the dense model of {run}")
        return self.backbone


# What is read of a run's record, with types.
_RECORD: dict[str, Any] = {
    "experiment": str,
    "config_hash": str | None,
    "data_hash": str | None,
    "commit": str | None,
    "backbone_commit": str | None,
    "versions": dict[str, str],
    "hardware": dict[str, str | int | None],
}


def read_run(run: Path, task: str | None, plugins: Sequence[str] = ()) -> Trained:
    """Rebuild a run's selected model from the run's folder, without its data.

    Args:
        run: The folder of a finished run.
        task: The task whose head and masks to take. If None, those of all.
        plugins: Modules of the user whose classes of tasks and sources the run may name.

    Raises:
        UserError: the folder holds no finished run, a file in it is damaged, or the run has no such task, or one of a
            kind that is not known.
    """
    classes = load_plugins(plugins)
    if not run.is_dir():
        raise UserError(
            f"{run} must be the folder of a run, got none: correct the path (logs/<experiment>/version_<n>)"
        )
    for name in ("run.json", "metrics.json"):
        if not (run / name).is_file():
            remedy = f"finish it with lit_prune fit --resume {run}" if name == "metrics.json" else "give a run"
            raise UserError(
                f"{run} must have {name}, got none: {remedy} (logs/<experiment>/version_<n>), no export of it"
            )
    origin = config_file(run)
    metrics = read_metrics(run / "metrics.json", ("seed", "step", "steps"))
    record = read_json(run / "run.json", dict)
    for key, kind in _RECORD.items():
        convert(record.get(key), kind, {}, f"{run / 'run.json'}: {key}")
    config = read_config(run)
    warn_if_old(run, record)
    try:
        configured = configured_tasks(config)
    except KeyError as error:
        raise UserError(f"{origin} must have {error} for each task in data.tasks, got none: set it there") from error
    if task is not None and task not in configured:
        raise UserError(f"unknown task {task!r} of {run}: choose from {', '.join(configured)}")
    tasks = [rebuild(each, NoRows(), classes) for name, each in configured.items() if task in (None, name)]
    for each in tasks:
        each.settle(metrics)
    best = run / "checkpoints" / "best.ckpt"
    checkpoint = read_checkpoint(best)
    check_run_id(checkpoint, best, record)
    foreign = checkpoint["state_dict"].keys() - state_of(configured, checkpoint["state_dict"]).keys()
    if foreign and str(setting(config, "model.class_path", str | None)).startswith(
        "lit_prune."
    ):  # a user's may have more
        raise UserError(f"{best} must have tensors of its model alone, got {min(foreign)!r:.100}: restore the file")
    # The checkpoint holds every weight: what the backbone was pretrained to need not be read.
    encoder = empty_encoder(setting(config, "encoder", dict), _num_bytes(checkpoint["state_dict"]))
    try:
        model = TaskModel(encoder, tasks)
        model.take(state_of(model.tasks, checkpoint["state_dict"]))
    # No such layer, other shapes, types or names.
    except (AttributeError, AssertionError, KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{best} must fit {origin}, got {error!s:.300}: restore the file") from error
    model.use(model.task)
    is_masked_base = has_base(checkpoint) and bool(masked_layers(model))
    factors = {name: parts for name, parts in checkpoint["parts"].items() if "A" in parts}
    return Trained(model.eval(), run, config, metrics, record, is_masked_base, factors, classes)


def _num_bytes(state: Mapping[str, Tensor]) -> int:
    return sum(each.nbytes for each in state.values())
