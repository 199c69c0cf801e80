"""Read a run's checkpoints, safely and with errors that name the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError

KEY = "lit_prune"  # where a paradigm keeps its own state in a Lightning checkpoint


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint of this package, tensors and plain values only (`weights_only=True`), on the CPU.

    Raises:
        UserError: no such file, a truncated one, or one that is not a checkpoint of this package.
    """
    if not path.is_file():
        raise UserError(f"there is no checkpoint {path}")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a different class for every way in which a file can be wrong
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} cannot be read as a checkpoint (truncated, or another format): {reason}") from error
    if not isinstance(checkpoint, dict) or KEY not in checkpoint or "state_dict" not in checkpoint:
        raise UserError(f"{path} is not a checkpoint of lit_prune: give a run's folder or a .ckpt file it wrote")
    return checkpoint


def find_dense(start_from: str) -> Path:
    """The checkpoint that `start_from` names: a file, or of a run's folder the dense one, else the best.

    Raises:
        UserError: neither exists.
    """
    path = Path(start_from)
    if path.is_dir():
        candidates = [path / "checkpoints" / name for name in ("dense.ckpt", "best.ckpt")]
        for candidate in candidates:
            if candidate.is_file():
                return candidate
        raise UserError(f"start_from={start_from!r} holds none of {[str(each) for each in candidates]}: is it a run?")
    if not path.is_file():
        raise UserError(f"start_from={start_from!r} names neither a run's folder nor a checkpoint file")
    return path


def load_dense(module: nn.Module, state: Mapping[str, Tensor], origin: Path) -> None:
    """Copy a dense state dict into a module.

    Raises:
        UserError: names or shapes differ, as for a checkpoint of another architecture or a masked one.
    """
    own = module.state_dict()
    if any(".mask." in name for name in state):
        raise UserError(f"{origin} holds a masked model: start from a dense one (a run's checkpoints/dense.ckpt)")
    wrong = [name for name in own if name not in state or state[name].shape != own[name].shape]
    wrong += [name for name in state if name not in own]
    if wrong:
        name = wrong[0]
        shapes = [tuple(each[name].shape) if name in each else "nothing" for each in (state, own)]
        raise UserError(
            f"{origin} is of another architecture: {len(wrong)} tensors differ, first {name} "
            f"(checkpoint {shapes[0]}, this model {shapes[1]}): check encoder.backbone and the tasks"
        )
    module.load_state_dict(state)
