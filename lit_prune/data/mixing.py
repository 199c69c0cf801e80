"""Mixing of tasks: the rate at which each is drawn (Xia & Shin 2021: uniformly; temperatures: Raffel et al. 2020).

A step's task is drawn by shares; the batches of a task that is drawn more often than its rows need begin anew.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from lit_prune.errors import UserError


class Mixing(ABC):
    """Weights by which tasks are drawn."""

    @abstractmethod
    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """Return the weight of each task, above 0; only their ratios count.

        Args:
            num_rows: Training rows of each task.
        """


def shares(mixing: Mixing, num_rows: Mapping[str, int]) -> np.ndarray:
    """Return the probability of each task, in their order (tasks,); they add up to 1.

    Raises:
        UserError: the weights are not of these tasks, or not all finite and above 0.
    """
    weights = mixing.weights(num_rows)
    name = type(mixing).__name__
    if unknown := sorted(weights.keys() - num_rows.keys()):
        raise UserError(f"unknown task {unknown[0]!r} in the weights of {name}: choose from {', '.join(num_rows)}")
    if wrong := [task for task in num_rows if not 0 < weights.get(task, 0) < math.inf]:
        raise UserError(
            f"weights of {name} must be finite and above 0, got others for {', '.join(wrong)}: correct them"
        )
    values = np.array([weights[task] for task in num_rows], dtype=np.float64)
    result: np.ndarray = values / values.sum()
    return result


class Uniform(Mixing):
    """Equal weights for all tasks."""

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """Return 1 for each task."""
        return dict.fromkeys(num_rows, 1.0)


class Proportional(Mixing):
    """Weights proportional to the numbers of rows."""

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """Return the numbers of rows."""
        return num_rows


class Temperature(Mixing):
    """Numbers of rows to the power of 1 / temperature: 1 is `Proportional`, a large one close to `Uniform`.

    Args:
        temperature: 1 or more.
    """

    def __init__(self, temperature: float) -> None:
        if not 1 <= temperature < math.inf:
            raise UserError(
                f"temperature must be finite and at least 1, got {temperature}: 1 is proportional to the rows"
            )
        self.temperature = temperature

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """Return the numbers of rows, each to that power."""
        return {task: rows ** (1 / self.temperature) for task, rows in num_rows.items()}


class Target(Mixing):
    """A share of the steps for one task, the rest evenly for the others, which are auxiliary.

    Args:
        task: Name of the task; `data.target` with the same name selects by it.
        share: Share of the steps that train it, above 0 and below 1.
    """

    def __init__(self, task: str, share: float) -> None:
        if not 0 < share < 1:
            raise UserError(f"share of Target must be above 0 and below 1, got {share}: try 0.5")
        self.task = task
        self.share = share

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """Return the share of the task, and equal ones of the others."""
        rest = (1 - self.share) / max(1, len(num_rows.keys() - {self.task}))
        return {**dict.fromkeys(num_rows, rest), self.task: self.share}


class Weights(Mixing):
    """Given weights.

    Args:
        weights: Task -> its weight, above 0.
    """

    def __init__(self, weights: dict[str, float]) -> None:
        self.given = weights

    def weights(self, num_rows: Mapping[str, int]) -> Mapping[str, float]:
        """Return the given weights."""
        return self.given
