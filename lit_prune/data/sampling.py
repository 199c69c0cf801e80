"""Sampling of a task's training examples with unequal probabilities."""

import math
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from lit_prune.data.groups import GROUP, bias_predicts
from lit_prune.errors import UserError


class Sampling(ABC):
    """Weights by which training examples are drawn, with replacement.

    Attributes:
        column: The column of the training set that the weights depend on.
        remedy: The setting that adds the column.
    """

    column: str
    remedy: str

    @abstractmethod
    def weights(self, train: Dataset) -> npt.NDArray[np.floating]:
        """Return the weight of each row (rows,), above 0; only their ratios count.

        Args:
            train: The rows of a task's training set.
        """


def row_shares(sampling: Sampling, task: str, train: Dataset) -> npt.NDArray[np.floating]:
    """Return the probability of each row of a task's training set (rows,); they add up to 1.

    Raises:
        UserError: The rows lack what the weights depend on.
    """
    if sampling.column not in train.column_names:
        raise UserError(
            f"data.sampling must fit task {task!r}, got {type(sampling).__name__}, which needs {sampling.column}: "
            f"{sampling.remedy}"
        )
    weights = sampling.weights(train)
    shares: npt.NDArray[np.floating] = weights / weights.sum()
    return shares


class BalancedGroups(Sampling):
    """Draws from all groups of `data.groups` equally often (Idrissi et al. 2022)."""

    column = GROUP
    remedy = "set data.groups"

    def weights(self, train: Dataset) -> npt.NDArray[np.floating]:
        """Return the inverse of the size of each row's group."""
        _, group, sizes = np.unique(train[GROUP][:], return_inverse=True, return_counts=True)
        weights: npt.NDArray[np.floating] = 1 / sizes[group]
        return weights


class JustTrainTwice(Sampling):
    """Draws examples that the bias model misclassifies more often (JTT, Liu et al. 2021, arXiv 2107.09044).

    The bias model is a first model that was trained briefly: `lit_prune.data.BiasFile` reads its predictions.

    Args:
        factor: Weight of a misclassified example, of others it is 1 (the authors: 4 for MultiNLI, 6 for CivilComments,
            50 for CelebA, 100 for Waterbirds).
    """

    column = "bias"
    remedy = "set the `bias` of the task"

    def __init__(self, factor: float) -> None:
        if not 1 <= factor < math.inf:
            raise UserError(f"factor of JustTrainTwice must be finite and at least 1, got {factor}: try 4")
        self.factor = factor

    def weights(self, train: Dataset) -> npt.NDArray[np.floating]:
        """Return 1 for rows that the bias model classifies correctly, the factor for others."""
        return np.where(bias_predicts(train), 1.0, self.factor)
