"""`SoftMovement`: movement under a penalty that lowers all scores (Sanh et al. 2020; SMP, Jiang et al. 2022)."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Criterion
from lit_prune.sparsity.criteria.movement import Movement
from lit_prune.sparsity.masks import Masked
from lit_prune.sparsity.schedules import check_span, remaining


class SoftMovement(Movement):
    """Movement whose scores have an L1 penalty: weight * the mean over matrices of their mean sigmoid(score).

    The weight rises from 0 as a cubic ramp does: weight * (1 - (1 - (progress - start) / (end - start))^3). Under the
    scope `ScoreThreshold` this is soft movement pruning (Sanh et al. 2020, arXiv 2005.07683, section 4), under
    `ScoreBudget` and over frozen weights it is SMP-S (Jiang et al. 2022, arXiv 2210.06210).

    Args:
        weight: Weight of the penalty from `end` on. Under `ScoreThreshold` it decides how much is pruned; both papers'
            code has 400 in runs of 60,000 steps and more.
        start: Progress at which the weight begins to rise, in [0, end). If None, 0.
        end: Progress at which it has risen, in (0, 1].
        initial: The criterion of the scores before training. None for 0, as in the papers.

    Raises:
        UserError: `weight` is not positive and finite, or `start` and `end` are no span.
    """

    penalizes = True

    def __init__(
        self, weight: float = 400.0, start: float | None = None, end: float = 1.0, initial: Criterion | None = None
    ) -> None:
        super().__init__(initial)
        if not 0 < weight < math.inf:
            raise UserError(f"weight of SoftMovement must be positive and finite, got {weight}: use Movement for none")
        self.weight = weight
        self.start, self.end = check_span(start or 0.0, end)

    def penalty(self, layers: Mapping[str, Masked], progress: float) -> Tensor:
        """Return the weighted mean of the sigmoids of all learned scores."""
        masks = [mask for layer in layers.values() for mask in layer.mask.submasks.values()]
        means = torch.stack([mask.scores.sigmoid().mean() for mask in masks])
        return means.mean() * (self.weight * (1 - remaining(progress, self.start, self.end) ** 3))
