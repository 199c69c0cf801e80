"""Checks of what a checkpoint that was read contains: its names and types, and the size of its tensors."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from torch import Tensor

from lit_prune.errors import UserError

KEY = "lit_prune"  # where a paradigm keeps its own state in a Lightning checkpoint
_STATE = {  # a paradigm's own state
    "run_id": str | None,
    "phase": str,
    "ends": dict[str, int],
    "selected": dict[str, dict],  # type: ignore[type-arg]
    "random_states": list[dict],  # type: ignore[type-arg]
    "conditions": dict[str, object],
    "loss": dict[str, Tensor],
    "statistics": dict[str, Tensor],
    "base_hash": str,
    "left_out": list[str],
}
_TO_RESUME = ("phase", "ends", "selected", "random_states", "conditions")
_SELECTED = {"selection": float, "step": int, "sparsity": float | int, "metrics": dict[str, float | int]}  # of a model
_LIGHTNING = {  # what Lightning resumes from
    "optimizer_states": list,
    "lr_schedulers": list,
    "loops": dict,
    "callbacks": dict,
    "global_step": int,
    "pytorch-lightning_version": str,
}
_VERSION = re.compile(r"[2-9]\.\d+\.\d+")  # an earlier one Lightning would migrate
_SHARED, _SLACK = 4, 2**20  # tensors may share their memory, as tied weights: so many times a file, and bytes


def check_content(checkpoint: Any, path: Path) -> None:
    """Check that a checkpoint contains the tensors and the state of a paradigm.

    Args:
        checkpoint: What the file contains.
        path: The file.

    Raises:
        UserError: it contains something else, or tensors that are far larger than the file.
    """
    if not isinstance(checkpoint, dict) or not all(
        isinstance(checkpoint.get(key), dict) for key in (KEY, "state_dict")
    ):
        raise UserError(
            f"{path} must be a checkpoint of lit_prune, got another file: give a run's folder or a .ckpt file it wrote"
        )
    state = checkpoint[KEY]
    wrong = [f"{KEY}.{name}" for name, hint in _STATE.items() if name in state and not _fits(state[name], hint)]
    if not _fits(checkpoint["state_dict"], dict[str, Tensor]):
        wrong.append("state_dict")
    if wrong:
        raise UserError(
            f"{path} must be a checkpoint of lit_prune, got one with {wrong[0]} of another type: restore the file"
        )
    beside = [each for name in ("loss", "statistics") for each in state.get(name, {}).values()]
    tensors = [*checkpoint["state_dict"].values(), *beside]
    most = _SHARED * path.stat().st_size + _SLACK
    if (size := sum(each.nbytes for each in tensors)) > most:
        raise UserError(f"{path} must have tensors of at most {most:,} bytes, got {size:,}: restore the file")


def check_resumable(checkpoint: Mapping[str, Any], path: Path) -> None:
    """Check that a run can resume from a checkpoint that `check_content` passed.

    Raises:
        UserError: something is missing, or has another type.
    """
    state = checkpoint[KEY]
    wrong = [name for name, hint in _LIGHTNING.items() if not _fits(checkpoint.get(name), hint)]
    if not _VERSION.match(str(checkpoint.get("pytorch-lightning_version"))):
        wrong.append("pytorch-lightning_version")
    wrong += [f"{KEY}.{name}" for name in _TO_RESUME if state.get(name) in (None, [])]
    for phase, each in state.get("selected", {}).items():
        where = f"{KEY}.selected.{phase}"
        wrong += [f"{where}.{name}" for name, hint in _SELECTED.items() if not _fits(each.get(name), hint)]
    try:
        json.dumps(state.get("selected"))
    except (TypeError, ValueError, RecursionError):
        wrong.append(f"{KEY}.selected")
    if wrong:
        raise UserError(
            f"{path} must be a checkpoint that a run can resume from, got one with {wrong[0]} missing or of another "
            "type: restore the file"
        )


def _fits(value: Any, hint: Any) -> bool:
    """True if a value is of a type, as `str | None`, `list[str]` or `dict[str, int]`."""
    kind, inside = get_origin(hint), get_args(hint)
    if kind not in (list, dict):
        return isinstance(value, hint)
    if not isinstance(value, kind):
        return False
    parts = value.items() if isinstance(value, dict) else ((each,) for each in value)
    return all(isinstance(part, each) for row in parts for part, each in zip(row, inside, strict=True))
