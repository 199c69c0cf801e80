"""Criteria that are learned, through the gradient of a mask's scores (Sanh et al. 2020)."""

import torch
from torch import Tensor

from lit_prune.sparsity.criteria.criterion import Criterion


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
