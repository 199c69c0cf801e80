"""Checks of experiment, seed and Trainer settings, before anything is built."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import torch
from lightning.fabric.plugins import CheckpointIO
from lightning.fabric.utilities.exceptions import MisconfigurationException

from lit_prune.errors import UserError
from lit_prune.hardware.threads import usable_cpus

_RUN = re.compile(r"version_\d+")
_LONGEST_PART = 200  # bytes of a folder's name: file systems allow 255, and file names add a suffix
_STRATEGIES = ("auto", "ddp", "ddp_find_unused_parameters_true", "ddp_find_unused_parameters_false")
_STRATEGY_CLASSES = ("DDPStrategy", "SingleDeviceStrategy")
_PRECISIONS = (None, "32-true", "32", 32, "bf16-mixed", "bf16", "16-mixed", "16", 16)
_DURATION = re.compile(r"\d+:\d+:\d+:\d+")
_UNITS = ("weeks", "days", "hours", "minutes", "seconds")
_WORKERS_PER_CPU = 8


class _Check(NamedTuple):
    """A constraint on a setting of the Trainer, and the remedy if it is violated."""

    is_valid: Callable[[Any], bool]
    constraint: str
    remedy: str


def _at_least(smallest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= smallest


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is each or (type(value) is type(each) and value == each) for each in values)


def _has_accelerator(value: Any) -> bool:
    available = {"auto": True, "cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    available["gpu"] = available["cuda"] or available["mps"]
    return not isinstance(value, str) or available.get(value, False)


def _is_devices(value: Any) -> bool:
    if isinstance(value, str):
        if re.fullmatch(r"\d+(,\d+)+,?|\d+,", value):
            value = [int(each) for each in value.split(",") if each]
        else:
            return value == "auto" or re.fullmatch(r"-1|[1-9]\d*", value) is not None
    if isinstance(value, list):
        return value != [] and all(map(_at_least(0), value)) and len(set(value)) == len(value)
    return _at_least(1)(value) or value == -1


def _is_strategy(value: Any) -> bool:
    if isinstance(value, str):
        return value in _STRATEGIES
    return str(value.get("class_path", "") if isinstance(value, Mapping) else "").split(".")[-1] in _STRATEGY_CLASSES


def _is_clip(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and 0 <= value < math.inf)


def _is_duration(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value != {} and value.keys() <= set(_UNITS) and all(map(_at_least(0), value.values()))
    return not isinstance(value, str) or _DURATION.fullmatch(value) is not None


def plugins_of(value: Any, kind: type) -> list[str]:
    """Return the class paths in `trainer.plugins` that are subclasses of a class.

    Args:
        value: The setting: None, one plugin as a class path and its arguments, or a list of plugins.
        kind: The class, such as Lightning's `Precision`.
    """
    plugins = [] if value is None else value if isinstance(value, list) else [value]
    paths = [each["class_path"] for each in plugins]
    return [
        path
        for path in paths
        if issubclass(getattr(import_module(path.rpartition(".")[0]), path.rpartition(".")[2]), kind)
    ]


_WHOLE_SETS = "metrics are computed on whole sets; evaluate less often by trainer.val_check_interval"
_FEWER_ROWS = "data.num_train trains on fewer examples, and `length` of a phase sets its steps or epochs"
_OWN_LENGTH = "a run ends with its last phase; set the `length` of the phases, or trainer.max_steps"
_BY_STEPS = "evaluations count optimizer steps, across epochs"

# Settings that are not listed here are not checked.
CHECKS = {
    "accelerator": _Check(
        _has_accelerator, "auto, or an available one of cpu, cuda, gpu and mps", "torch finds no such device; use auto"
    ),
    "strategy": _Check(
        _is_strategy, f"one of {', '.join(_STRATEGIES)}", "with other strategies no process has the whole model"
    ),
    "devices": _Check(_is_devices, "auto, a positive number, -1, or a list of different devices", "use auto"),
    "num_nodes": _Check(_at_least(1), "a positive integer", "it counts machines"),
    "precision": _Check(
        _one_of(*_PRECISIONS), "32-true, bf16-mixed or 16-mixed", "weights and scores are kept in single precision"
    ),
    "default_root_dir": _Check(
        lambda value: value is None or "://" not in str(value), "a local folder", "remote ones hold no checkpoints"
    ),
    "fast_dev_run": _Check(_one_of(False, 0), "false", f"it saves nothing; for a short run {_FEWER_ROWS}"),
    "max_epochs": _Check(_one_of(-1), "-1", _OWN_LENGTH),
    "min_epochs": _Check(_one_of(None), "null", _OWN_LENGTH),
    "max_steps": _Check(lambda value: value == -1 or _at_least(1)(value), "-1 or a positive integer", _OWN_LENGTH),
    "min_steps": _Check(_one_of(None), "null", _OWN_LENGTH),
    "max_time": _Check(
        _is_duration,
        f"a duration as DD:HH:MM:SS, or numbers of {', '.join(_UNITS)}",
        "two hours are 00:02:00:00 or {hours: 2}",
    ),
    "limit_train_batches": _Check(_one_of(None), "null", _FEWER_ROWS),
    "limit_val_batches": _Check(_one_of(None), "null", _WHOLE_SETS),
    "limit_test_batches": _Check(_one_of(None), "null", _WHOLE_SETS),
    "limit_predict_batches": _Check(_one_of(None), "null", _WHOLE_SETS),
    "overfit_batches": _Check(_one_of(0.0, 0), "0", _FEWER_ROWS),
    "val_check_interval": _Check(
        lambda value: value is None or _at_least(1)(value), "a positive number of steps", _BY_STEPS
    ),
    "check_val_every_n_epoch": _Check(_one_of(None), "null", f"{_BY_STEPS}; set trainer.val_check_interval"),
    "num_sanity_val_steps": _Check(
        _one_of(None, 0), "null or 0", "a dense model is evaluated whole before the first step"
    ),
    "log_every_n_steps": _Check(
        lambda value: value is None or _at_least(1)(value), "a positive integer", "trainer.logger=false logs nothing"
    ),
    "enable_checkpointing": _Check(_one_of(None, True), "true", "the result of a run is its best checkpoint"),
    "accumulate_grad_batches": _Check(_at_least(1), "a positive integer", "1 accumulates nothing"),
    "gradient_clip_val": _Check(_is_clip, "null or a number that is not negative", "0 clips nothing"),
    "gradient_clip_algorithm": _Check(_one_of(None, "norm", "value"), "norm or value", "the default is norm"),
    "use_distributed_sampler": _Check(
        _one_of(False), "false", "the package's sampler shares batches among the processes"
    ),
    "barebones": _Check(_one_of(False), "false", "a run without checkpoints and records has no result"),
    "sync_batchnorm": _Check(_one_of(False), "false", "encoders have no batch norm"),
    "reload_dataloaders_every_n_epochs": _Check(_one_of(0), "0", "batches are a function of seed and step"),
    "profiler": _Check(
        lambda value: not isinstance(value, str) or value in ("simple", "advanced", "pytorch"),
        "simple, advanced or pytorch",
        "null profiles nothing",
    ),
    "plugins": _Check(
        lambda value: not plugins_of(value, CheckpointIO),
        "plugins of other kinds than checkpoint IO",
        "runs write checkpoints atomically and verify them, leave it out",
    ),
    "model_registry": _Check(_one_of(None), "null", "lit_prune export writes what can be uploaded"),
}


def check_trainer(settings: Mapping[str, Any]) -> None:
    """Check settings of a Trainer by name; missing settings have Lightning's defaults.

    Raises:
        UserError: A setting is invalid, or not supported by the package.
    """
    for name, check in CHECKS.items():
        if name in settings and not check.is_valid(settings[name]):
            raise UserError(f"trainer.{name} must be {check.constraint}, got {settings[name]!r}: {check.remedy}")
    accelerator, devices = settings.get("accelerator", "auto"), settings.get("devices", "auto")
    has_gpu = _has_accelerator("gpu")
    if str(devices) == "-1" and (accelerator == "cpu" or (accelerator == "auto" and not has_gpu)):
        raise UserError(f"trainer.devices must be a positive number for CPUs, got {devices}: it counts processes")


def check_num_workers(num_workers: int) -> None:
    """Check the value of `data.num_workers` against the CPUs that this process may use.

    Raises:
        UserError: There are more workers than the machine has memory for.
    """
    most = _WORKERS_PER_CPU * (num_cpus := usable_cpus())
    if num_workers > most:
        raise UserError(
            f"data.num_workers must be at most {most}, {_WORKERS_PER_CPU} for each of the {num_cpus} usable CPUs, got "
            f"{num_workers}: one or two per CPU are enough, 0 reads in the process itself"
        )


def check_experiment(name: str) -> None:
    """Check the name of an experiment: one or more folder names separated by `/`.

    Raises:
        UserError: A part is not a valid name of a folder, or has the form of a run's name.
    """
    parts = name.split("/")
    if run := next((part for part in parts if _RUN.fullmatch(part)), None):
        raise UserError(f"experiment must not contain the name of a run, got {run!r}: fit numbers runs itself")
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or not name.isprintable():
        raise UserError(
            f"experiment must be folder names separated by /, got {name!r}: it is a folder below "
            "trainer.default_root_dir, set that for another location"
        )
    if longest := next((part for part in parts if len(part.encode()) > _LONGEST_PART), None):
        raise UserError(
            f"experiment must have names of at most {_LONGEST_PART} bytes, got one of {len(longest.encode())} "
            f"({longest[:20]}...): shorten it"
        )


@contextmanager
def trainer_errors() -> Iterator[None]:
    """Raise Lightning's errors about a Trainer's settings as a `UserError` in one line."""
    try:
        yield
    except UserError:
        raise
    except (MisconfigurationException, ValueError, TypeError, RuntimeError, ImportError) as error:
        raise UserError(f"trainer must have compatible settings: {' '.join(str(error).split())}") from error
