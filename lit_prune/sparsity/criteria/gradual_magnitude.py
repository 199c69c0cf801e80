"""`GradualMagnitude`: the absolute value, of weights that stay pruned (Zhu & Gupta 2017)."""

from torch import Tensor

from lit_prune.sparsity.criteria.weights import Magnitude


class GradualMagnitude(Magnitude):
    """The absolute value; a pruned entry is set to 0, so that it does not return while others are above 0.

    Masks change when the sparsity rises, and not between: gradual magnitude pruning (Zhu & Gupta 2017), of which oBERT
    (Kurtic et al. 2022) has the schedule.
    """

    def correct(self, name: str, weight: Tensor, keep: Tensor) -> Tensor:
        """Return the weight with 0 where it is pruned."""
        return weight.detach().masked_fill(~keep, 0)
