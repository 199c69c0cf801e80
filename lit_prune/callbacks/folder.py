"""The folder of a run on every process, its id, and its `config.yaml`."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from lit_prune.errors import UserError
from lit_prune.files import write_recorded
from lit_prune.runs.checkpoint_io import AtomicCheckpointIO
from lit_prune.runs.folder import claimed, locked
from lit_prune.runs.identity import Identity
from lit_prune.runs.recorded import read_record

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class RunFolder(SaveConfigCallback):
    """Give all processes the folder that the command line claimed, and write the resolved configuration there.

    Args:
        parser: The parser of `fit`.
        config: The resolved configuration.
        folder: The run's folder; None on all processes but the first.
    """

    def __init__(self, parser: Any, config: Any, folder: Path | None) -> None:
        super().__init__(parser, config, save_to_log_dir=False)
        self.folder = folder

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Agree on folder and id before anything is written."""
        run = cast("Paradigm", pl_module)
        run.identity = Identity(self.config.experiment, int(self.config.seed_everything), dict(self.config.axes))
        _agree(trainer, run, self.folder)
        super().setup(trainer, pl_module, stage)

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write `config.yaml`; a resumed run writes the same again."""
        assert self.folder is not None
        text = self.parser.dump(self.config, skip_unset=False)
        write_recorded(self.folder / "config.yaml", lambda partial: partial.write_text(text))


class ClaimedFolder(Callback):
    """The folder of a run that no command line started: that of its logger, or of the checkpoint that it resumes from.

    Without a logger it is the next `run/version_<n>` below `default_root_dir`.
    """

    def __init__(self) -> None:
        self._held = ExitStack()

    def on_fit_start(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Claim the folder, and lock it until the run has ended.

        Raises:
            UserError: another process trains a run there, or it contains another run.
        """
        if pl_module.folder != Path():
            return
        folder = None
        named = trainer.log_dir  # which all processes have to ask for
        if trainer.is_global_zero:
            folder = self._claim(trainer, named)
            self._held.enter_context(locked(folder))
        _agree(trainer, pl_module, folder)

    def _claim(self, trainer: Trainer, named: str | None) -> Path:
        checkpoint_io = trainer.strategy.checkpoint_io
        if isinstance(checkpoint_io, AtomicCheckpointIO) and checkpoint_io.loaded is not None:
            return checkpoint_io.loaded.resolve().parent.parent
        if not trainer.loggers or named is None:
            return self._held.enter_context(claimed(Path(trainer.default_root_dir) / "run"))
        folder = Path(named)
        if (folder / "run.json").exists():
            raise UserError(f"the logger's folder must be of no other run, got {folder}: use another logger or version")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def teardown(self, trainer: Trainer, pl_module: "Paradigm", stage: str) -> None:
        """Release the folder."""
        self._held.close()

    def on_exception(self, trainer: Trainer, pl_module: "Paradigm", exception: BaseException) -> None:
        """Release the folder: the process may go on, as in a notebook."""
        self._held.close()


def _agree(trainer: Trainer, run: "Paradigm", folder: Path | None) -> None:
    """Give all processes the folder of the first, and the run's id."""
    own = None if folder is None else (str(folder), _run_id(folder))
    agreed, run.run_id = trainer.strategy.broadcast(own)  # type: ignore[misc]
    run.folder = Path(agreed)


def _run_id(folder: Path) -> str:
    """Return the id of a run that is resumed, or a new one."""
    return str(read_record(folder).get("id") or uuid4().hex)
