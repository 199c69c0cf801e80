"""Relative timing of functions.

Absolute times depend on the machine and its load. So functions are timed in turn, round after round, and a ratio is the
median over the rounds of the ratio within a round.
"""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import torch

Name = TypeVar("Name", bound=Hashable)


def compare(functions: Mapping[str, Callable[[], object]], prefix: str, repeats: int, device: str) -> dict[str, float]:
    """Time functions in turn, after one warm-up round.

    Args:
        functions: The functions by the names of their figures; the first is the baseline.
        prefix: Common prefix of the names, which the names of ratios leave out.
        repeats: Number of rounds.
        device: Device of the functions, cpu or cuda; times include the work that they start there.

    Returns:
        Median seconds by name, and `ratio_<name>`: the median over the rounds of the time relative to the baseline.
    """
    seconds = time_rounds(functions, repeats, device)
    baseline, *names = seconds
    figures = {name: statistics.median(times) for name, times in seconds.items()}
    return figures | {
        f"ratio_{name.removeprefix(prefix)}": median_ratio(seconds[name], seconds[baseline]) for name in names
    }


def time_rounds(functions: Mapping[Name, Callable[[], object]], repeats: int, device: str) -> dict[Name, list[float]]:
    """Return the seconds of each function in each round, after one warm-up round; see `compare`."""
    seconds: dict[Name, list[float]] = {name: [] for name in functions}
    for number in range(repeats + 1):
        for name, function in functions.items():
            taken = _on_gpu(function) if device == "cuda" else _on_cpu(function)
            if number:
                seconds[name].append(taken)
    return seconds


def median_ratio(seconds: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the median over the rounds of the ratio of two functions' times."""
    return statistics.median(time / base for time, base in zip(seconds, baseline, strict=True))


def _on_cpu(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _on_gpu(function: Callable[[], object]) -> float:
    """Return the seconds of a function's work by CUDA events, which the GPU records."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    function()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000
