"""How often each task of several is drawn (Xia & Shin 2021: uniformly; temperatures: Raffel et al. 2020, section 3.5).

A step's task is drawn by shares; the batches of a task that is drawn more often than its rows need begin anew.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from lit_prune.errors import UserError


class Mixing(ABC):
    """The weights by which tasks are drawn."""

    @abstractmethod
    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """The weight of each task, above 0; only their ratios count.

        Args:
            num_rows: Training rows of each task.
        """


def shares(mixing: Mixing, num_rows: Mapping[str, int]) -> np.ndarray:
    """The probability of each task, in their order (tasks,); they add up to 1.

    Raises:
        UserError: the weights are not of these tasks, or not all finite and above 0.
    """
    weights = mixing.weights(num_rows)
    name = type(mixing).__name__
    if unknown := sorted(weights.keys() - num_rows.keys()):
        raise UserError(
            f"{name} weighs {', '.join(unknown)}, but the tasks are {', '.join(num_rows)}: rename or leave out"
        )
    if wrong := [task for task in num_rows if not 0 < weights.get(task, 0) < math.inf]:
        raise UserError(
            f"{name} gives no weight above 0 to {', '.join(wrong)}: give one, or take the task off data.tasks"
        )
    values = np.array([weights[task] for task in num_rows], dtype=np.float64)
    result: np.ndarray = values / values.sum()
    return result


class Uniform(Mixing):
    """Every task alike, whatever its size."""

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """1 each."""
        return dict.fromkeys(num_rows, 1.0)


class Proportional(Mixing):
    """A task as often as it has rows."""

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """The numbers of rows."""
        return num_rows


class Temperature(Mixing):
    """Between the two: rows to the power of 1 / temperature, so that 1 is `Proportional` and a large one `Uniform`.

    Args:
        temperature: 1 or more.
    """

    def __init__(self, temperature: float) -> None:
        if not 1 <= temperature < math.inf:
            raise UserError(f"Temperature: temperature is {temperature}, needed is a finite number from 1 on")
        self.temperature = temperature

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """The numbers of rows, each to that power."""
        return {task: rows ** (1 / self.temperature) for task, rows in num_rows.items()}


class Weights(Mixing):
    """Tasks by weights of one's own.

    Args:
        weights: Task -> its weight, above 0.
    """

    def __init__(self, weights: dict[str, float]) -> None:
        self.given = weights

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """Those given."""
        return self.given
