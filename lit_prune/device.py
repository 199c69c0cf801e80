"""The device that a command's `--device` names, and what it is called."""

import platform
from pathlib import Path

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


def hardware(device: torch.device) -> str:
    """What a device is called by its maker, as far as the system tells."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    processors = Path("/proc/cpuinfo")  # Linux; elsewhere `platform` knows more
    lines = processors.read_text().splitlines() if processors.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.processor() or platform.machine())
