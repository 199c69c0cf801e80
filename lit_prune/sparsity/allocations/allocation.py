"""`Allocation`: the base class of rules that give each matrix of a pool its own sparsity."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor


class Allocation(ABC):
    """A scope in which every matrix has its own sparsity, computed from the scores of its pool at each update."""

    @abstractmethod
    def pools(self, matched: Mapping[str, Sequence[str]]) -> list[list[str]]:
        """Return the pools of matrices that share what the schedule sets.

        Args:
            matched: Names of the matrices of every target, as `targets.match` returns them.
        """

    @abstractmethod
    def sparsities(self, scores: Mapping[str, Tensor], level: float) -> dict[str, float]:
        """Return the fraction to remove of each matrix of a pool, in [0, 1).

        Args:
            scores: float32, of any shape, by matrix; -inf for an entry that cannot be kept.
            level: The value of the schedule, in [0, 1).
        """
