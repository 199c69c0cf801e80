"""How Lightning writes and reads the checkpoints of a run."""

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from lit_prune.files import write_atomically
from lit_prune.runs.checkpoint_content import check_resumable
from lit_prune.runs.checkpoints import read_file


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write checkpoints atomically beside their target, whatever TMPDIR is; read verified ones, plain values only.

    Attributes:
        loaded: The checkpoint that was read, or None.
    """

    loaded: Path | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint; interrupted anywhere, the file is the old one or the new one.

        Raises:
            OSError: the file cannot be written, as on a full disk.
        """

        def write(partial: Path) -> None:
            try:
                with partial.open("wb") as file:  # to a path torch would write without a reason if it fails
                    torch.save(checkpoint, file)
            except RuntimeError as error:  # torch cannot end a zip that it could not begin
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise

        write_atomically(Path(path), write)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint to resume from onto the CPU.

        Raises:
            UserError: the file is missing, damaged, or no checkpoint of this package that a run can resume from.
        """
        self.loaded = Path(path)
        checkpoint = read_file(self.loaded)
        check_resumable(checkpoint, self.loaded)
        return checkpoint
