"""How important each weight is (SRNets, Liu et al. 2022; Han et al. 2015; movement: Sanh et al. 2020).

For a matrix that is pruned by rank, criteria score its singular values in place of weights.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.masks import Masked
from lit_prune.sparsity.select import keep_largest, num_kept


class Criterion(ABC):
    """The importance of each entry of a weight matrix: it selects the kept entries, or initialises a learned mask.

    A criterion that needs more than the weights overrides further methods: `attach` and `observe` collect statistics
    (Fisher information, activation norms), `penalty` adds a term to the loss, `correct` changes the remaining weights.

    Attributes:
        accumulates: True if the scores initialise a learned mask, also while the weights are trained; else they are
            computed from the weights again at each update of the masks.
        observes: True if `observe` is to be called at each step.
        penalizes: True if `penalty` is to be added to the loss of each step.
    """

    accumulates: ClassVar[bool] = False
    observes: ClassVar[bool] = False
    penalizes: ClassVar[bool] = False

    def attach(self, layers: Mapping[str, Masked]) -> None:  # noqa: B027
        """Prepare to collect statistics of layers or tensors, by name; called once, when these have their masks."""

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

    def penalty(self, layers: Mapping[str, Masked]) -> Tensor | None:
        """Return a term to add to the loss, or None."""
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


class Magnitude(Criterion):
    """The absolute value; for a learned mask the soft initialisation of SRNets."""

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Return scores |weight|, whatever the sparsity."""
        return weight.detach().abs().float()


class RelativeMagnitude(Criterion):
    """The absolute value divided by the matrix's root mean square, for pools of matrices of different scales."""

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Return scores |weight| / rms(weight), whatever the sparsity."""
        magnitude = weight.detach().abs().float()
        return magnitude / magnitude.square().mean().sqrt().clamp_min(torch.finfo(magnitude.dtype).tiny)


class Movement(Criterion):
    """Movement away from zero in training: the sum over steps of -gradient * weight (Sanh et al. 2020, section 4).

    The straight-through gradient of a learned mask adds it up, in units of the learning rate. In short runs the sum is
    mostly noise when pruning begins; with `initial` the scores begin with another criterion's order.

    Args:
        initial: The criterion of the scores before training. None for 0, as in the papers.
    """

    accumulates = True

    def __init__(self, initial: Criterion | None = None) -> None:
        self.initial = initial

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Return the initial scores."""
        if self.initial is not None:
            return self.initial(weight, sparsity)
        return torch.zeros_like(weight.detach(), dtype=torch.float32)


class HardMagnitude(Criterion):
    """The hard initialisation of SRNets: one score for the matrix's largest absolute values, 0 for all others.

    Args:
        high: Score of kept entries; twice the threshold phi = .01 in the paper.

    Raises:
        UserError: `high` is not positive.
    """

    def __init__(self, high: float = 0.02) -> None:
        if not high > 0:
            raise UserError(f"high of HardMagnitude must be above 0, got {high}: a pruned entry has the score 0")
        self.high = high

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Return scores `high` where the weight is among the largest that stay at `sparsity`, else 0."""
        magnitude = weight.detach().float().abs()
        (keep,) = keep_largest([magnitude], num_kept(weight.numel(), sparsity))
        return keep.float() * self.high


class Random(Criterion):
    """Uniform scores in [0, 1), a control.

    Matrices that are scored in the same order get equal scores on every device and process.

    Args:
        seed: Seed of the criterion's own generator. None for the run's.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.generator = torch.Generator().manual_seed(torch.initial_seed() if seed is None else seed)

    def __call__(self, weight: Tensor, sparsity: float) -> Tensor:
        """Return fresh random scores, whatever the weight and the sparsity."""
        return torch.rand(weight.shape, generator=self.generator).to(weight.device)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the generator's state."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue the scores where `state_dict` was called."""
        if state:
            self.generator.set_state(state["generator"].cpu())
