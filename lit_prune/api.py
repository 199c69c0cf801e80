"""The calls of a script or a notebook: `fit` a paradigm, and read a run again."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from lit_prune.data.module import MultitaskDataModule
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.model import TaskModel
from lit_prune.export.run import export_run
from lit_prune.export.trained import read_run
from lit_prune.fitting.cli import LOGS, quiet
from lit_prune.fitting.ending import interruptible
from lit_prune.fitting.parser import TRAINER_DEFAULTS
from lit_prune.hardware.device import native_precision
from lit_prune.hardware.threads import limit_threads
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.runs.recorded import read_metrics
from lit_prune.sparsity.files import FILE, load_masks


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder.

    Attributes:
        folder: The folder.
    """

    folder: Path

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of its `metrics.json`."""
        return read_metrics(self.folder / "metrics.json")

    @property
    def masks(self) -> dict[str, Tensor]:
        """The mask (bool, True for kept) of each pruned matrix by name; empty without masks."""
        path = self.folder / FILE
        return load_masks(path) if path.is_file() else {}

    def model(self, task: str | None = None) -> TaskModel:
        """Return the selected model, masks in place, in evaluation mode.

        Args:
            task: The task whose head and masks to take. If None, those of all.
        """
        return read_run(self.folder, task).model

    def export(self, format: str, out: str | Path, **settings: Any) -> Path:
        """Write the selected model, as `lit_prune export` does, and return the folder.

        Args:
            format: Name of a format: `dense`, `packed`, `masks`, `delta`, `csr`, `lowrank` or `compact`.
            out: The folder to write: a new one, or an empty one.
            settings: `dtype`, `task`, `plugins` and `push` of `lit_prune export`.
        """
        export_run(self.folder, format=format, out=out, **settings)
        return Path(out)


def load_run(folder: str | Path) -> Run:
    """Return a finished run.

        load_run("logs/run/version_0").metrics["task/id/accuracy"]

    Args:
        folder: Its folder, `logs/<experiment>/version_<n>`.

    Raises:
        UserError: The folder has no finished run.
    """
    run = Run(Path(folder))
    if not (run.folder / "metrics.json").is_file():
        raise UserError(f"{folder} must be a finished run, got no metrics.json: resume it, or name another folder")
    return run


def fit(
    model: PrunableEncoder,
    data: MultitaskDataModule,
    paradigm: Callable[[PrunableEncoder, Mapping[str, Task]], Paradigm],
    *,
    trainer: Trainer | Mapping[str, Any] | None = None,
    resume: str | Path | None = None,
    seed: int | None = None,
    root: str | Path = LOGS,
) -> Run:
    """Train all phases of a paradigm, and return the run.

    The encoder and the paradigm's arguments are copied, so that a notebook cell that runs again trains the same model.

        encoder = PrunableEncoder()
        data = MultitaskDataModule.from_frames(encoder, train=frame, test=other)
        run = fit(encoder, data, partial(FineTune, dense=Training("3 epochs")), seed=1)

    Args:
        model: The encoder.
        data: The tasks, with the encoder's tokenizer.
        paradigm: Makes the paradigm from the encoder and the tasks: a class with its other arguments bound.
        trainer: A Trainer, or its arguments on top of the defaults of `lit_prune fit`. None for these defaults.
        resume: The folder of an interrupted run with equal arguments. None for a new run.
        seed: Seed of everything random. None if it is set already.
        root: Folder of the runs, unless `trainer` is a Trainer.

    Raises:
        UserError: a setting is wrong, or the run is incomplete.
    """
    quiet()
    limit_threads()
    if seed is not None:
        seed_everything(seed, verbose=False)
    if not isinstance(trainer, Trainer):
        options = dict(trainer or {})
        precision = native_precision(options.get("accelerator", "auto"))
        logger = TensorBoardLogger(root, name="run")
        trainer = Trainer(**{"precision": precision, "logger": logger, **TRAINER_DEFAULTS, **options})
    encoder = copy.deepcopy(model)
    if model.arguments["compile"]:
        encoder.compile_layers()
    module = copy.deepcopy(paradigm)(encoder, data.tasks)
    last = None if resume is None else Path(resume) / "checkpoints" / "last.ckpt"
    if last is not None and not last.is_file():
        raise UserError(f"resume must be the folder of a run with checkpoints/last.ckpt, got {resume}: start it anew")
    with interruptible():
        trainer.fit(module, datamodule=data, ckpt_path=last, weights_only=None if last is None else True)
    return load_run(module.folder)
