"""Group distributionally robust optimisation (Sagawa et al. 2020, arXiv 1911.08731)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.losses.loss import Examples, Loss, mean_over_processes


class GroupDro(Loss):
    """Cross-entropy whose groups of examples are weighted by their losses (Sagawa et al. 2020, algorithm 1).

    The groups are those of `data.groups`. Their weights q begin equal. In each batch q is multiplied by exp(step_size *
    the group's mean loss) and normalised; a group without an example in the batch has loss 0. The loss is the sum over
    groups of q * the mean loss. Combine it with `lit_prune.data.BalancedGroups`, as the paper samples groups uniformly.

    Args:
        step_size: Step size of the weights' exponentiated gradient ascent (the authors' code: .01).
    """

    needs = ("groups",)
    has_state = True
    weights: Tensor

    def __init__(self, step_size: float = 0.01) -> None:
        super().__init__()
        if not 0 <= step_size < math.inf:
            raise UserError(f"step_size of GroupDro must be finite and at least 0, got {step_size}: try 0.01")
        self.step_size = step_size

    def reset(self, width: int, group_sizes: Tensor) -> None:
        """Give all groups equal weight."""
        self.register_buffer("weights", torch.full((len(group_sizes),), 1 / max(1, len(group_sizes))))

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Update the weights by the losses of the step's groups, of all processes, and return the weighted loss."""
        assert batch.groups is not None
        losses = F.cross_entropy(logits, batch.labels, reduction="none")
        members = F.one_hot(batch.groups, len(self.weights)).float()
        sums, shares = (members * losses[:, None]).mean(0), members.mean(0)  # of this process, over its number of rows
        step_sums, step_shares = mean_over_processes(torch.stack([sums.detach(), shares]) * batch.weight)
        step_shares = step_shares.masked_fill(step_shares == 0, 1)
        self.weights = (self.weights.log() + self.step_size * step_sums / step_shares).softmax(0)
        loss: Tensor = (self.weights / step_shares * sums).sum()
        return loss
