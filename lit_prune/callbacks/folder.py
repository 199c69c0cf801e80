"""The run's folder on every process, its id, and its `config.yaml`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from lit_prune.files import write_recorded
from lit_prune.runs.recorded import read_record

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class RunFolder(SaveConfigCallback):
    """Tells all processes the folder that the first one claimed, and writes the resolved configuration there.

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
        own = None if self.folder is None else (str(self.folder), _run_id(self.folder))
        folder, run.run_id = trainer.strategy.broadcast(own)  # type: ignore[misc]
        run.folder = Path(folder)
        super().setup(trainer, pl_module, stage)

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write `config.yaml`; a resumed run writes the same again."""
        assert self.folder is not None
        text = self.parser.dump(self.config, skip_unset=False)
        write_recorded(self.folder / "config.yaml", lambda partial: partial.write_text(text))


def _run_id(folder: Path) -> str:
    """The id of a run that is resumed, or a new one."""
    return str(read_record(folder).get("id") or uuid4().hex)
