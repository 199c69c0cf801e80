"""Training losses: plain, against a known dataset bias, and over groups of examples."""

from lit_prune.losses.balanced import BalancedCrossEntropy
from lit_prune.losses.debiasing import (
    Annealed,
    ConfidenceRegularisation,
    LearnedMixin,
    ProductOfExperts,
    Reweighting,
)
from lit_prune.losses.group_dro import GroupDro
from lit_prune.losses.loss import Examples, Loss
from lit_prune.losses.plain import CrossEntropy, MeanSquaredError

__all__ = [
    "Annealed",
    "BalancedCrossEntropy",
    "ConfidenceRegularisation",
    "CrossEntropy",
    "Examples",
    "GroupDro",
    "LearnedMixin",
    "Loss",
    "MeanSquaredError",
    "ProductOfExperts",
    "Reweighting",
]
