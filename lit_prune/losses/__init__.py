"""Training losses: plain, against a known dataset bias, over groups of examples, of embeddings, and from a teacher."""

from lit_prune.losses.balanced import BalancedCrossEntropy
from lit_prune.losses.debiasing import (
    Annealed,
    ConfidenceRegularisation,
    LearnedMixin,
    ProductOfExperts,
    Reweighting,
)
from lit_prune.losses.distillation import Distillation
from lit_prune.losses.embedding import CosineSquaredError, EmbeddingDistillation, InBatchContrastive
from lit_prune.losses.group_dro import GroupDro
from lit_prune.losses.loss import Examples, Loss
from lit_prune.losses.plain import BinaryCrossEntropy, CrossEntropy, MeanSquaredError, TokenCrossEntropy

__all__ = [
    "Annealed",
    "BalancedCrossEntropy",
    "BinaryCrossEntropy",
    "ConfidenceRegularisation",
    "CosineSquaredError",
    "CrossEntropy",
    "Distillation",
    "EmbeddingDistillation",
    "Examples",
    "GroupDro",
    "InBatchContrastive",
    "LearnedMixin",
    "Loss",
    "MeanSquaredError",
    "ProductOfExperts",
    "Reweighting",
    "TokenCrossEntropy",
]
