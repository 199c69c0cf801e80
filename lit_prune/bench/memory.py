"""Peak memory of repeated work, and memory of the tensors in use."""

import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch
from torch import Tensor, nn

from lit_prune.hardware.memory import peak_bytes, reset_peak, resident_bytes


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
    before = resident_bytes("VmRSS")
    run = make()
    if not with_making:
        gc.collect()
        reset_peak(device)
    run()
    run()
    peak = peak_bytes(device)
    if device == "cuda":
        return peak
    return None if before is None or peak is None else peak - before
