"""Peak memory of work that is repeated."""

import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch


def peak_memory(make: Callable[[], Callable[[], object]], device: str, with_making: bool = True) -> int | None:
    """Peak memory in bytes of making something and of running it twice; None where the system does not tell.

    On a GPU it is what torch allocated at most; on a CPU (Linux only) the growth of the resident set from before it is
    made to its peak. It is measured in a fresh process: what another one freed would count as free here.

    Args:
        make: Makes what is run, as a model that trains by a step; it and its arguments can be pickled.
        device: Where that works, cpu or cuda.
        with_making: Whether the peak may be in the making too, else in the running alone.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak_memory_here, make, device, with_making).result()


def _peak_memory_here(make: Callable[[], Callable[[], object]], device: str, with_making: bool) -> int | None:
    before = _resident_bytes("VmRSS")
    run = make()
    if not with_making:
        gc.collect()
        _forget_peak(device)
    run()
    run()
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = _resident_bytes("VmHWM")  # not getrusage: its peak includes the parent process, which started this one
    return None if before is None or peak is None else peak - before


def _forget_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # of Linux: the peak is the present size again


def _resident_bytes(field: str) -> int | None:
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    values = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(values[field].split()[0]) * 1024
