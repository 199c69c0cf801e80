"""Learning-rate schedules: the factor of the peak learning rate at each optimizer step of a phase."""

import math
from abc import ABC, abstractmethod

from lit_prune.errors import UserError


class LearningRateSchedule(ABC):
    """The learning rate over a phase, as a factor of its peak."""

    @abstractmethod
    def __call__(self, step: int, num_steps: int) -> float:
        """Return the factor at an optimizer step.

        Args:
            step: Optimizer steps of the phase so far, from 0 on.
            num_steps: Length of the phase in optimizer steps.
        """


class LinearDecay(LearningRateSchedule):
    """Linear warm-up to the peak, then linear decay to zero (Devlin et al. 2019, appendix A.2).

    Args:
        warmup: Optimizer steps of the warm-up, or their share of the phase when below 1.
        over: The decay reaches zero after this many times the phase's length. A phase that is the first half of a
            longer one has 2.

    Raises:
        UserError: an argument is outside of its range.
    """

    def __init__(self, warmup: float = 0.1, over: float = 1.0) -> None:
        self.warmup = check_warmup(warmup)
        if not 0 < over < math.inf:
            raise UserError(f"over of LinearDecay must be above 0 and finite, got {over}: 1 decays within the phase")
        self.over = over

    def __call__(self, step: int, num_steps: int) -> float:
        """Return the factor at an optimizer step."""
        warmup, end = num_warmup(self.warmup, num_steps), round(self.over * num_steps)
        if step < warmup:
            return step / max(1, warmup)
        return max(0.0, (end - step) / max(1, end - warmup))


class CyclicLinear(LearningRateSchedule):
    """Linear decay from a peak to a floor, again and again (Kurtic et al. 2022, oBERT, for gradual pruning).

    Args:
        cycle: Length of a cycle in optimizer steps, or its share of the phase when at most 1.
        peak: Factor of the learning rate at the start of a cycle.
        floor: Factor of the learning rate at the end of a cycle.

    Raises:
        UserError: an argument is outside of its range.
    """

    def __init__(self, cycle: float, peak: float = 1.0, floor: float = 0.1) -> None:
        if not 0 < cycle < math.inf or (cycle > 1 and cycle % 1):
            raise UserError(
                f"cycle must be a share up to 1 or a whole number of steps, got {cycle}: a quarter of the phase is 0.25"
            )
        if not 0 <= floor <= peak < math.inf:
            raise UserError(f"floor and peak must be 0 <= floor <= peak, got {floor} and {peak}: try 0.1 and 1")
        self.cycle, self.peak, self.floor = cycle, peak, floor

    def __call__(self, step: int, num_steps: int) -> float:
        """Return the factor at an optimizer step."""
        length = max(1, round(self.cycle * num_steps) if self.cycle <= 1 else int(self.cycle))
        return self.peak + (self.floor - self.peak) * (step % length) / length


def check_warmup(warmup: float) -> float:
    """Return a warm-up that is a share below 1 or a whole number of steps.

    Raises:
        UserError: it is neither.
    """
    if warmup not in (0.0, 1.0) and not (0 < warmup < math.inf and (warmup < 1 or warmup % 1 == 0)):
        raise UserError(
            f"warmup of a phase must be a share below 1 or a whole number of steps, got {warmup}: a tenth is 0.1"
        )
    return warmup


def num_warmup(warmup: float, num_steps: int) -> int:
    """Return the optimizer steps of a warm-up in a phase of `num_steps`."""
    return round(warmup * num_steps) if warmup < 1 else int(warmup)
