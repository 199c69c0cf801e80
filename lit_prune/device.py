"""The device that a command's `--device` names."""

import torch

from lit_prune.errors import UserError


def device_named(name: str) -> str:
    """`cpu` or `cuda`; `auto` is cuda where there is one.

    Raises:
        UserError: another name, or a device that is not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):
        raise UserError(f"device is {name!r}: use cpu, cuda or auto")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, and there is none that torch can use: use cpu or auto")
    return name
