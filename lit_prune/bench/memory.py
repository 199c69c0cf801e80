"""Peak memory of training steps."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from lit_prune.bench.training import Setting, training_step


def peak_memory(setting: Setting, variant: str) -> int | None:
    """Peak memory in bytes of building a model and training it by two steps; None where the system does not tell.

    On a GPU it is what torch allocated at most; on a CPU (Linux only) the growth of the resident set from before the
    model is built to its peak. It is measured in a fresh process: what another one freed would count as free here.

    Args:
        setting: The model, batch, precision and device.
        variant: One of `lit_prune.bench.training.VARIANTS`.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak_memory_here, setting, variant).result()


def _peak_memory_here(setting: Setting, variant: str) -> int | None:
    before = _resident_bytes("VmRSS")
    train = training_step(setting, variant)
    train()
    train()
    if setting.device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = _resident_bytes("VmHWM")  # not getrusage: its peak includes the parent process, which started this one
    return None if before is None or peak is None else peak - before


def _resident_bytes(field: str) -> int | None:
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    values = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(values[field].split()[0]) * 1024
