"""Peak memory of repeated work, and memory of the tensors in use."""

import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from torch import Tensor, nn


def peak_memory(make: Callable[[], Callable[[], object]], device: str, with_making: bool = True) -> int | None:
    """Return the peak memory in bytes of building a function and calling it twice, None if it cannot be measured.

    On a GPU this is the most that torch allocated; on a CPU (Linux only) the growth of the resident set. The function
    runs in a fresh process: memory that this one has freed but not returned would hide a part of the growth.

    Args:
        make: Builds the function, such as a training step; must be picklable.
        device: Device of the function, cpu or cuda.
        with_making: Include the peak while the function is built, not only while it runs.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak_memory_here, make, device, with_making).result()


def live_tensor_bytes() -> int:
    """Return the size of all tensors of this process that Python can reach, and of their gradients.

    Views share memory and count once. Tensors that only autograd keeps, such as activations, are left out.
    """
    gc.collect()
    kinds = (Tensor, nn.Parameter)  # no subclasses: fake tensors of a compiler have no memory
    tensors: list[Tensor] = [each for each in gc.get_objects() if type(each) in kinds]
    tensors += [each.grad for each in tensors if each.is_leaf and each.grad is not None]
    storages = [each.untyped_storage() for each in tensors if each.layout == torch.strided]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _peak_memory_here(make: Callable[[], Callable[[], object]], device: str, with_making: bool) -> int | None:
    before = _resident_bytes("VmRSS")
    run = make()
    if not with_making:
        gc.collect()
        _reset_peak(device)
    run()
    run()
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = _resident_bytes("VmHWM")  # getrusage would include the peak of the parent process
    return None if before is None or peak is None else peak - before


def _reset_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # see proc(5): resets VmHWM to the present size


def _resident_bytes(field: str) -> int | None:
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    values = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(values[field].split()[0]) * 1024
