"""Functions timed against each other.

Absolute seconds belong to a machine and to what else runs on it. So whatever is compared is timed in turn, round after
round, and a ratio is the median over the rounds of the ratio within each.
"""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import torch

Name = TypeVar("Name", bound=Hashable)


def compare(functions: Mapping[str, Callable[[], object]], prefix: str, repeats: int, device: str) -> dict[str, float]:
    """Time functions in turn, after one round that warms them up.

    Args:
        functions: What to time, by the name of its figure; the first is what the others are compared with.
        prefix: Of these names; what follows names the ratio.
        repeats: Number of rounds.
        device: Where they work, cpu or cuda; a time ends when it has done their work.

    Returns:
        Median seconds by name, and `ratio_<name>`: the median over the rounds of a function's time over the first's.
    """
    seconds = rounds(functions, repeats, device)
    first, *others = seconds
    figures = {name: statistics.median(times) for name, times in seconds.items()}
    return figures | {f"ratio_{each.removeprefix(prefix)}": ratio(seconds[each], seconds[first]) for each in others}


def rounds(functions: Mapping[Name, Callable[[], object]], repeats: int, device: str) -> dict[Name, list[float]]:
    """The seconds of each function in each round, after one round that warms them up; see `compare`."""
    seconds: dict[Name, list[float]] = {name: [] for name in functions}
    for number in range(repeats + 1):
        for name, function in functions.items():
            taken = _on_gpu(function) if device == "cuda" else _on_cpu(function)
            if number:
                seconds[name].append(taken)
    return seconds


def ratio(seconds: Sequence[float], base: Sequence[float]) -> float:
    """The median over the rounds of one function's time over another's."""
    return statistics.median(taken / other for taken, other in zip(seconds, base, strict=True))


def _on_cpu(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _on_gpu(function: Callable[[], object]) -> float:
    """From before the function's work to after it, by the GPU's own clock."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    function()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000
