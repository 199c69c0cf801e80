"""Functions timed against each other, by a clock that only they move."""

import pytest
import torch

from lit_prune.bench import timing


@pytest.fixture
def lasting(monkeypatch):
    """A function: the seconds that each call is to take -> a function to time, which notes its calls."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def make(name, seconds, calls):
        left = iter(seconds)

        def function():
            calls.append(name)
            now[0] += next(left)

        return function

    return make


def test_seconds_and_ratios_are_medians_over_the_rounds_after_the_first(lasting):
    calls = []
    functions = {
        "seconds_slow": lasting("slow", [100, 1, 2, 10], calls),
        "seconds_fast": lasting("fast", [100, 4, 2, 5], calls),
    }
    figures = timing.compare(functions, "seconds_", repeats=3, device="cpu")
    # The ratio is that of rounds, 4, 1 and .5, not of the medians, which would be 2.
    assert figures == {"seconds_slow": 2, "seconds_fast": 4, "ratio_fast": 1}
    assert calls == ["slow", "fast"] * 4


def test_on_a_gpu_a_time_is_that_of_its_own_clock(lasting, monkeypatch):
    calls, milliseconds = [], iter([0, 0, 4000, 7000])

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            calls.append("mark")

        def synchronize(self):
            calls.append("wait")

        def elapsed_time(self, end):
            assert end is not self
            return next(milliseconds)

    monkeypatch.setattr(torch.cuda, "Event", Event)
    functions = {"base": lasting("base", [1, 1], calls), "other": lasting("other", [1, 1], calls)}
    assert timing.compare(functions, "", repeats=1, device="cuda") == {"base": 4, "other": 7, "ratio_other": 7 / 4}
    assert calls == [each for name in ("base", "other") for each in ("mark", name, "mark", "wait")] * 2
