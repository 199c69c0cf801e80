"""`Allocation`: the base class of rules that give each matrix of a pool its own sparsity."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from lit_prune.sparsity.masks import Masked


class Allocation(ABC):
    """A scope in which every matrix has its own sparsity, computed from the scores of its pool at each update.

    Attributes:
        needs_ranks: True if the masked entries must be ranks.
    """

    needs_ranks: ClassVar[bool] = False

    def attach(self, layers: Mapping[str, Masked]) -> None:  # noqa: B027
        """Read what the rule needs of the masked layers, by name, beside their scores; called when they have masks."""

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
