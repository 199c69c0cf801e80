"""Peak memory of this process: on a GPU the most that torch allocated, on a CPU the resident set (Linux only)."""

from contextlib import suppress
from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak(device: str) -> None:
    """Begin a new peak at the present size, where the system can.

    Args:
        device: Type of the device, cpu or cuda.
    """
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    else:
        with suppress(OSError):  # it may be missing or read-only
            _RESET.write_text("5")  # see proc(5): resets VmHWM to the present size


def peak_bytes(device: str) -> int | None:
    """Return the peak since `reset_peak` in bytes, None if it cannot be measured.

    Args:
        device: Type of the device, cpu or cuda.
    """
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resident_bytes("VmHWM")  # getrusage would include the peak of the parent process


def resident_bytes(field: str) -> int | None:
    """Return a size in bytes from the process' status, None if the system has none.

    Args:
        field: `VmRSS`, the resident set now, or `VmHWM`, its peak.
    """
    if not _STATUS.is_file():
        return None
    values = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(values[field].split()[0]) * 1024 if field in values else None
