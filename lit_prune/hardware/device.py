"""Devices: their names, and the precision that they compute fast."""

import platform
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_warn

from lit_prune.errors import UserError

CPUINFO = Path("/proc/cpuinfo")  # Linux
BF16_FEATURES = {"avx512_bf16", "amx_bf16", "bf16", "sve_bf16"}  # x86, then Arm


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
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def native_precision(accelerator: object) -> str:
    """Return the fastest precision of Lightning that a device computes natively: `bf16-mixed` or `32-true`.

    Args:
        accelerator: `trainer.accelerator`.
    """
    return "bf16-mixed" if _has_native_bf16(_device_type(accelerator)) else "32-true"


def warn_if_slow(precision: object, accelerator: object) -> None:
    """Warn if a device has to emulate a half precision.

    Args:
        precision: `trainer.precision`.
        accelerator: `trainer.accelerator`.
    """
    device = _device_type(accelerator)
    # On CPUs Lightning computes 16-mixed as bf16-mixed.
    emulated = {"cpu": ("bf16", "16"), "cuda": ("bf16",)}.get(device, ())
    if str(precision).startswith(emulated) and not _has_native_bf16(device):
        rank_zero_warn(
            f"trainer.precision is {precision}, which this device does not compute natively (on a CPU it is 10 to 40 "
            "times slower than 32-true): leave trainer.precision unset"
        )


def _device_type(accelerator: object) -> str:
    """The kind of device that Lightning takes for `trainer.accelerator`; of others its name."""
    if accelerator not in ("auto", "gpu"):
        return str(accelerator)
    if torch.backends.mps.is_available():
        return "mps"
    return "cuda" if torch.cuda.is_available() else "cpu"


def _has_native_bf16(device: str) -> bool:
    if device == "cuda":
        devices = range(torch.cuda.device_count())
        return bool(devices) and all(torch.cuda.get_device_capability(each) >= (8, 0) for each in devices)
    has_kernels = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # oneDNN's use the features
    return device == "cpu" and has_kernels and bool(BF16_FEATURES & _cpu_features())


def _cpu_features() -> set[str]:
    capabilities: dict[str, Any] = dict(getattr(torch.cpu, "get_capabilities", dict)())  # not in torch 2.9
    if BF16_FEATURES & capabilities.keys():
        return {name for name, value in capabilities.items() if value is True}
    return set((_cpuinfo("flags") or _cpuinfo("Features")).split())


def _cpuinfo(key: str) -> str:
    """The first value of a key in /proc/cpuinfo; empty: there is none."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
