"""How much is removed when: sparsity as a function of progress (Zhu & Gupta 2017; SRNets, Figure 8)."""

import math
from abc import ABC, abstractmethod

from lit_prune.errors import UserError
from lit_prune.sparsity.select import check_sparsity


def check_span(start: float, end: float) -> tuple[float, float]:
    """Return the start and the end of a ramp, as shares of a phase.

    Raises:
        UserError: they are not 0 <= start < end <= 1.
    """
    if not 0.0 <= start < end <= 1.0:
        raise UserError(
            f"start and end of a ramp must be 0 <= start < end <= 1, got {start} and {end}: shares of the "
            "phase, as 0 and 0.8"
        )
    return start, end


def remaining(progress: float, start: float, end: float) -> float:
    """Return the share of a ramp that is left at `progress`: 1 until `start`, then falling to 0 at `end`."""
    return 1 - min(max(progress - start, 0.0) / (end - start), 1.0)


class Schedule(ABC):
    """Sparsity over the course of pruning.

    Attributes:
        final: The sparsity at the end.
    """

    final: float

    @abstractmethod
    def __call__(self, progress: float) -> float:
        """Return the fraction to remove at `progress`, from 0 (start) to 1 (end)."""


class Constant(Schedule):
    """A constant sparsity.

    Args:
        sparsity: The fraction to remove, in [0, 1).
    """

    def __init__(self, sparsity: float) -> None:
        self.sparsity = self.final = check_sparsity(sparsity)

    def __call__(self, progress: float) -> float:
        """Return the fraction to remove, whatever the progress."""
        return self.final


class _Ramp(Schedule):
    """initial, then final + (initial - final) * (1 - (progress - start) / (end - start))^power, then final."""

    power: int

    def __init__(self, initial: float, final: float, end: float = 0.8, start: float | None = None) -> None:
        self.start, self.end = check_span(start or 0.0, end)
        self.initial = check_sparsity(initial)
        self.final = check_sparsity(final)

    def __call__(self, progress: float) -> float:
        """Return the fraction to remove at `progress`, from 0 (start) to 1 (end)."""
        return self.final + (self.initial - self.final) * remaining(progress, self.start, self.end) ** self.power


class Linear(_Ramp):
    """A straight ramp.

    Args:
        initial: Sparsity at the start, in [0, 1).
        final: Sparsity from `end` on, in [0, 1).
        end: Progress at which the ramp ends, in (0, 1].
        start: Progress at which it begins, below `end`. If None, 0.
    """

    power = 1


class Cubic(_Ramp):
    """A ramp that removes much early and little late.

    Args:
        initial: Sparsity at the start, in [0, 1).
        final: Sparsity from `end` on, in [0, 1).
        end: Progress at which the ramp ends, in (0, 1]; the paper's 1 leaves only the last moment at `final`.
        start: Progress at which it begins, below `end`. If None, 0.
    """

    power = 3


class Rounds(Schedule):
    """Iterative magnitude pruning: equal steps of the original weights, the first before any training.

    Args:
        num_rounds: Number of rounds, each of which prunes and then trains.
        final: Sparsity of the last round, in [0, 1).
    """

    def __init__(self, num_rounds: int, final: float) -> None:
        if num_rounds < 1:
            raise UserError(f"num_rounds must be at least 1, got {num_rounds}: SRNets has 9")
        self.num_rounds = num_rounds
        self.final = check_sparsity(final)

    def __call__(self, progress: float) -> float:
        """Return the fraction to remove in the round that `progress`, from 0 (start) to 1 (end), falls into."""
        # 1/49 * 49 is 0.9999999999999999 in binary.
        num_done = math.floor(progress * self.num_rounds + 1e-6)
        return self.final * (min(num_done + 1, self.num_rounds) / self.num_rounds)


class Staircase(Schedule):
    """Another schedule in equal stages, each of which has the value at its start (oBERT, Kurtic et al. 2022).

    Args:
        schedule: The schedule that it follows.
        num_stages: Number of stages; its end is the start of the last stage at the latest.

    Raises:
        UserError: there is less than one stage, or `schedule` ends within the last one.
    """

    def __init__(self, schedule: Schedule, num_stages: int) -> None:
        if num_stages < 1:
            raise UserError(f"num_stages must be at least 1, got {num_stages}: oBERT has 7 of four epochs each")
        self.schedule = schedule
        self.num_stages = num_stages
        self.final = schedule.final
        if not math.isclose(self(1.0), self.final):
            raise UserError(
                f"end of the schedule of a Staircase must be at most {(num_stages - 1) / num_stages:.3f}, where the "
                f"last of {num_stages} stages begins, got a sparsity of {self(1.0)} there: lower its end"
            )

    def __call__(self, progress: float) -> float:
        """Return the fraction to remove in the stage that `progress`, from 0 (start) to 1 (end), falls into."""
        stage = math.floor(progress * self.num_stages + 1e-6)  # as in Rounds
        return self.schedule(min(stage, self.num_stages - 1) / self.num_stages)
