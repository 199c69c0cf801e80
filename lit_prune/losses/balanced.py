"""Cross-entropy in which all groups of training examples have equal weight."""

import torch.nn.functional as F
from torch import Tensor

from lit_prune.losses.loss import Examples, Loss


class BalancedCrossEntropy(Loss):
    """Cross-entropy weighted by the inverse size of an example's group (Idrissi et al. 2022).

    The groups are those of `data.groups`. Weights have mean 1 over the training set. With the sampling
    `lit_prune.data.BalancedGroups` groups would be balanced twice: use one of the two.
    """

    needs = ("groups",)
    has_state = True
    weights: Tensor

    def reset(self, width: int, group_sizes: Tensor) -> None:
        """Compute the weight of each group."""
        self.register_buffer("weights", group_sizes.sum() / (len(group_sizes) * group_sizes.float()))

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of w * -log softmax(logits)[label], with w the weight of the example's group."""
        assert batch.groups is not None
        return (self.weights[batch.groups] * F.cross_entropy(logits, batch.labels, reduction="none")).mean()
