"""The record of a run, in its folder: `run.json`, `metrics.json`, predictions and masks of the best model."""

import hashlib
import json
import platform
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml
from datasets.fingerprint import Hasher
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.utilities import rank_zero_warn

from lit_prune import __version__
from lit_prune.callbacks.model import MODEL, describe_model
from lit_prune.callbacks.predictions import read_logits, shifted_metrics, write_predictions
from lit_prune.callbacks.supervision import supervision
from lit_prune.encoders.hub_files import cached_commit
from lit_prune.files import write_json, write_recorded
from lit_prune.hardware.device import hardware
from lit_prune.hardware.memory import peak_bytes, reset_peak
from lit_prune.runs.evaluations import add_evaluation, read_evaluations
from lit_prune.runs.recorded import number_of, read_record
from lit_prune.sparsity.files import FILE, save_masks
from lit_prune.sparsity.install import masks_by_task

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

PACKAGES = ("torch", "lightning", "transformers", "datasets", "torchmetrics", "jsonargparse")
CHOSEN_PRECISION = "chosen_precision"  # key of config.yaml: `trainer.precision`, where fit chose it by the device
RUNNING, COMPLETED, INCOMPLETE, INTERRUPTED, FAILED = "running", "completed", "incomplete", "interrupted", "failed"
_TOLD = ("selection", "step", "metrics", "sparsity", "denominator", "teacher")  # of a selected model, elsewhere


class RunRecord(Callback):
    """Write the record of a run.

    `run.json` has the run's settings, versions, hardware and status. `predictions.parquet` and `masks.safetensors`
    (where masks differ by task, `<task>_masks.safetensors`) are of the best model so far; under names that begin with a
    phase (`dense_predictions.parquet`), of the best model of that earlier phase; a run without a dense model has none.
    `evaluations.json` has the metrics of every evaluation, with the seconds and the peak memory until then.
    `metrics.json` comes last, once the run is complete; under `constant/` it has what one answer to all rows gets.
    """

    def __init__(self) -> None:
        self.started = time.time()
        self.earlier_seconds = 0.0
        self.earlier_peak = 0
        self.begun = False
        self.supervision: dict[str, list[str]] = {}
        self.backbone_commit: str | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Begin `run.json`, or resume that of a resumed run."""
        self.begun = True
        if trainer.is_global_zero:
            earlier, encoder = read_record(pl_module.folder), pl_module.encoder
            self.earlier_seconds = number_of(earlier, "seconds") or 0.0
            self.earlier_peak = max((each.peak_memory or 0 for each in read_evaluations(pl_module.folder)), default=0)
            begun_with = earlier.get("backbone_commit")  # the branch may have moved since
            self.backbone_commit = begun_with or cached_commit(encoder.name, str(encoder.arguments["revision"]))
            reset_peak(pl_module.device.type)
            self.supervision = supervision(pl_module)
            self._write_run(trainer, pl_module, RUNNING)
            write_json(describe_model(pl_module), pl_module.folder / MODEL, write_recorded)

    def on_validation_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Record the evaluation; keep predictions and masks of a new best model before its checkpoint is written."""
        if not trainer.is_global_zero:
            return
        folder, evaluation = pl_module.folder, pl_module.selection.evaluation
        assert evaluation is not None
        peak = peak_bytes(pl_module.device.type)
        peak = None if peak is None else max(self.earlier_peak, peak)
        add_evaluation(folder, replace(evaluation, seconds=self._seconds, peak_memory=peak))
        if not pl_module.selection.improved:
            return
        write_predictions(
            pl_module.selection.predicted, folder / _of_phase(pl_module, pl_module.phase, "predictions.parquet")
        )
        for task, masks in masks_by_task(pl_module).items():
            path = folder / _of_phase(pl_module, pl_module.phase, f"{task}_{FILE}" if task else FILE)
            save_masks(masks, path, {"step": str(trainer.global_step)}, write_recorded)
        self._write_run(trainer, pl_module, RUNNING)

    def on_exception(self, trainer: Trainer, pl_module: "Paradigm", exception: BaseException) -> None:
        """Record in `run.json` that the run stopped; one that never began leaves nothing."""
        if self.begun and trainer.is_global_zero:
            # SIGTERM exits, unless another error, as of a loader without its workers, takes the place of the exit.
            stopped = isinstance(exception, KeyboardInterrupt | SystemExit) or trainer.received_sigterm
            with suppress(OSError):  # a full disk may be the exception
                self._write_run(trainer, pl_module, INTERRUPTED if stopped else FAILED)

    def on_fit_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Write the metrics of a complete run."""
        if not trainer.is_global_zero:
            return
        folder = pl_module.folder
        if (reason := incomplete_reason(trainer, pl_module)) is not None:
            rank_zero_warn(f"{folder} is incomplete: {reason}")
            self._write_run(trainer, pl_module, INCOMPLETE)
            return
        result = pl_module.selection.best[pl_module.phases.last]
        values: dict[str, Any] = {**result["metrics"]}
        for phase, before in pl_module.selection.best.items():
            if phase != pl_module.phases.last:
                label = pl_module.phases.label(phase)
                values |= {f"{label}/{name}": value for name, value in before["metrics"].items()}
                values |= {f"{label}/{name}": before[name] for name in ("sparsity", "step")}
        base = pl_module.phases.base
        if base in pl_module.selection.best and pl_module.phases.last != base:
            sets = pl_module.data.evaluation_sets
            dense, sparse = (
                read_logits(sets, folder / _of_phase(pl_module, phase, "predictions.parquet"))
                for phase in (base, pl_module.phases.last)
            )
            values |= {f"dense_shifted/{name}": value for name, value in shifted_metrics(dense, sparse).items()}
        for each in pl_module.data.evaluation_sets:
            values |= {f"constant/{each.name}/{name}": value for name, value in each.constant_metrics().items()}
        versions = {name: task.source.version for name, task in pl_module.data.tasks.items()}
        values |= {f"{name}/version": number for name, number in versions.items() if number is not None}
        values |= {f"bias/{name}": value for name, value in pl_module.data.bias_report.items()}
        for each in pl_module.selection.best.values():
            values |= {f"teacher/{name}": value for name, value in each.get("teacher", {}).items()}
        values |= {
            "sparsity": result["sparsity"],
            "density": 1 - result["sparsity"],
            "denominator": result.get("denominator", "nothing is pruned"),
            **{name: value for name, value in result.items() if name not in _TOLD},
            "seed": pl_module.identity.seed,
            "selection": result["selection"],
            "step": result["step"],
            "steps": trainer.global_step,
            "steps_planned": pl_module.steps_planned,
            "wall_seconds": self._seconds,
        }
        self._write_run(trainer, pl_module, COMPLETED)
        write_json(values, folder / "metrics.json", write_recorded)

    @property
    def _seconds(self) -> float:
        return self.earlier_seconds + time.time() - self.started

    def _write_run(self, trainer: Trainer, pl_module: "Paradigm", status: str) -> None:
        folder, data = pl_module.folder, pl_module.data
        tables = [rows._fingerprint for rows in [*data.train.values(), *(each.rows for each in data.evaluation_sets)]]
        write_json(
            {
                "id": pl_module.run_id,
                "experiment": pl_module.identity.experiment,
                "axes": {"seed": pl_module.identity.seed, **pl_module.identity.axes},
                "selection": {name: task.selection for name, task in data.selecting.items()},
                "supervision": self.supervision,
                "config_hash": _config_hash(folder / "config.yaml"),
                "data_hash": Hasher.hash(tables),
                "versions": {
                    "lit_prune": __version__,
                    **{name: version(name) for name in PACKAGES},
                    "python": platform.python_version(),
                },
                "commit": _commit(),
                "backbone_commit": self.backbone_commit,
                "hardware": {
                    "device": hardware(trainer.strategy.root_device),
                    "num_devices": trainer.num_devices * trainer.num_nodes,
                    "num_threads": torch.get_num_threads(),
                    "precision": str(trainer.precision),
                },
                "job": pl_module.identity.job,
                "started": self.started,
                "seconds": self._seconds,
                "step": trainer.global_step,
                "status": status,
            },
            folder / "run.json",
            write_recorded,
        )


def incomplete_reason(trainer: Trainer, module: "Paradigm") -> str | None:
    """Return why a run is incomplete after its training has ended, None if it is complete."""
    timers = [each for each in trainer.callbacks if isinstance(each, Timer)]  # type: ignore[attr-defined]
    ran_out = any((left := each.time_remaining()) is not None and left <= 0 for each in timers)
    step, end = trainer.global_step, module.phases.ends[module.phases.last]
    if ran_out and step < end:
        return f"trainer.max_time ended it at step {step} of {end}: raise it with --trainer.max_time"
    if module.phases.last not in module.selection.best:
        return (
            f"it ended at step {step} of {end} without a selected model of its last phase {module.phases.last!r}: "
            "see what ended it, or why none was eligible"
        )
    return None


def _of_phase(module: "Paradigm", phase: str, name: str) -> str:
    """Return the name of a phase's file; that of the last phase is the run's result."""
    return name if phase == module.phases.last else f"{module.phases.label(phase)}_{name}"


def decisive(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a resolved configuration that decides the result.

    Neither the run's name and place, nor what is None, nor a precision that the device decided: it counts as unset.
    """
    kept = {key: value for key, value in config.items() if key not in ("experiment", "axes", CHOSEN_PRECISION)}
    trainer = config["trainer"]
    places = {"logger", "default_root_dir"}
    if trainer.get("precision") == config.get(CHOSEN_PRECISION):
        places.add("precision")
    kept["trainer"] = {key: value for key, value in trainer.items() if key not in places}
    return {key: _without_none(value) for key, value in kept.items() if value is not None}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value


def _config_hash(path: Path) -> str | None:
    if not path.is_file():
        return None
    config = decisive(yaml.safe_load(path.read_text()))
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _commit() -> str | None:
    """Return the commit of a checkout that the package runs from, with `+` when files differ from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed.stdout.strip() else "")
