"""`ScoreThreshold`: an entry is kept while the sigmoid of its score is above a threshold (Sanh et al. 2020)."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations.allocation import Allocation
from lit_prune.sparsity.select import exact_floor
from lit_prune.sparsity.targets import layers_in


class ScoreThreshold(Allocation):
    """A threshold on the sigmoid of scores: the values of the schedule are thresholds in place of sparsities.

    How much is pruned is an outcome of the training: it takes a criterion whose penalty lowers scores, `SoftMovement`.
    `sparsity` in `metrics.json` has the outcome. (Soft movement pruning: Sanh et al. 2020, arXiv 2005.07683, section 4,
    whose threshold rises from 0 to .1.)

    Args:
        floor: Least density of a matrix, in (0, 1]: where fewer scores are above the threshold, the largest are kept.

    Raises:
        UserError: `floor` is outside of its range.
    """

    def __init__(self, floor: float = 0.005) -> None:
        if not 0 < floor <= 1:
            raise UserError(f"floor of ScoreThreshold must be above 0 and at most 1, got {floor}: try 0.005")
        self.floor = floor

    def pools(self, matched: Mapping[str, Sequence[str]]) -> list[list[str]]:
        """Return each matrix by itself."""
        return [[name] for name in layers_in(matched)]

    @torch.no_grad()
    def sparsities(self, scores: Mapping[str, Tensor], level: float) -> dict[str, float]:
        """Return the fraction of each matrix whose sigmoid is not above the threshold `level`."""
        # Of the scores themselves: their sigmoids are equal where the scores are large.
        threshold = math.log(level / (1 - level)) if level > 0 else -math.inf
        result = {}
        for name, score in scores.items():
            size = score.numel()
            num_keep = max(int((score > threshold).count_nonzero()), exact_floor(self.floor, size), 1)
            result[name] = 1 - num_keep / size
        return result
