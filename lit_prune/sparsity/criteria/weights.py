"""Criteria of the weights alone, and random scores (SRNets, Liu et al. 2022; Han et al. 2015)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Criterion
from lit_prune.sparsity.select import keep_largest, num_kept


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
