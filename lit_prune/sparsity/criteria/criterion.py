"""`Criterion`: the base class of what scores the entries of weight matrices."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from torch import Tensor

from lit_prune.sparsity.masks import Masked

Losses = Callable[[int], Iterator[Tensor]]  # number of training batches -> their losses
Sum = Callable[[Tensor], Tensor]  # sums a tensor over all processes


class Criterion(ABC):
    """The importance of each entry of a weight matrix: it selects the kept entries, or initialises a learned mask.

    A criterion that needs more than the weights overrides further methods: `attach` and `observe` collect statistics
    (Fisher information, activation norms), `penalty` adds a term to the loss, `correct` changes the remaining weights.

    Attributes:
        accumulates: True if the scores initialise a learned mask, also while the weights are trained; else they are
            computed from the weights again at each update of the masks.
        observes: True if `observe` is to be called at each step.
        penalizes: True if `penalty` is to be added to the loss of each step.
        needs_losses: True if `use` is to be called before the masks are set.
    """

    accumulates: ClassVar[bool] = False
    observes: ClassVar[bool] = False
    penalizes: ClassVar[bool] = False
    needs_losses: ClassVar[bool] = False

    def attach(self, layers: Mapping[str, Masked]) -> None:  # noqa: B027
        """Prepare to collect statistics of layers or tensors, by name; called once, when these have their masks."""

    def use(self, weights: Mapping[str, Tensor], losses: Losses, sum_processes: Sum) -> None:  # noqa: B027
        """Set where gradients of batches come from.

        Args:
            weights: The matrices to score by name; a loss depends on them.
            losses: Yields the losses of a number of batches, on this process's part of each batch.
            sum_processes: Sums a tensor over all processes.
        """

    def observe(self, layers: Mapping[str, Masked]) -> None:  # noqa: B027
        """Collect statistics of a step whose gradients are there, before the optimizer uses them."""

    def state_dict(self) -> dict[str, Tensor]:
        """Return the statistics so far, by name: what a resumed run needs to go on."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027  # most have none
        """Set the statistics that `state_dict` returned."""

    def score(self, name: str, weight: Tensor, sparsity: float) -> Tensor:
        """Return the importance of every entry of a layer's matrix, by name for criteria with statistics; see call."""
        return self(weight, sparsity)

    def penalty(self, layers: Mapping[str, Masked], progress: float) -> Tensor | None:
        """Return a term to add to the loss at `progress`, from 0 (start of pruning) to 1 (end), or None."""
        return None

    def correct(self, name: str, weight: Tensor, keep: Tensor) -> Tensor | None:
        """Return the weight that makes up for what a new mask prunes, or None if it stays as it is.

        Args:
            name: Name of the layer.
            weight: Its matrix.
            keep: bool, of its shape; True for kept.
        """
        return None

    @abstractmethod
    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Importance of every entry.

        Args:
            weight: The matrix, of any shape and floating dtype.
            sparsity: The fraction that is going to be removed.

        Returns:
            A new float32 tensor of scores, of the weight's shape and on its device; higher means more important.
        """
