"""How much is removed when: sparsity as a function of progress (Zhu & Gupta 2017; SRNets, Figure 8)."""

import math
from abc import ABC, abstractmethod

from lit_prune.errors import UserError
from lit_prune.sparsity.select import check_sparsity


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
        self.start = start or 0.0
        if not 0.0 <= self.start < end <= 1.0:
            raise UserError(
                f"start and end of a ramp must be 0 <= start < end <= 1, got {self.start} and {end}: shares of the "
                "phase, as 0 and 0.8"
            )
        self.initial = check_sparsity(initial)
        self.final = check_sparsity(final)
        self.end = end

    def __call__(self, progress: float) -> float:
        """Return the fraction to remove at `progress`, from 0 (start) to 1 (end)."""
        remaining = 1 - min(max(progress - self.start, 0.0) / (self.end - self.start), 1.0)
        return self.final + (self.initial - self.final) * remaining**self.power


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
