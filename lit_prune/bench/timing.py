"""Functions timed against each other.

Absolute seconds belong to a machine and to what else runs on it. So whatever is compared is timed in turn, round after
round, and a ratio is the median over the rounds of the ratio within each.
"""

import statistics
import time
from collections.abc import Callable, Mapping

import torch


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
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if device == "cuda":
                torch.cuda.synchronize()
            if number:
                seconds[name].append(time.perf_counter() - start)
    first, *others = seconds
    figures = {name: statistics.median(times) for name, times in seconds.items()}
    for name in others:
        pairs = zip(seconds[name], seconds[first], strict=True)
        figures[f"ratio_{name.removeprefix(prefix)}"] = statistics.median(taken / base for taken, base in pairs)
    return figures
