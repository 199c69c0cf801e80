"""Losses of pairs of embeddings."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.losses.loss import Examples, Loss


class InBatchContrastive(Loss):
    """Cross-entropy of finding an example's second text among those of the batch (Henderson et al. 2017, section 4.4).

    It is for pairs that belong together. All other second texts of the batch count as wrong, so a batch should have no
    text twice; with several processes, the texts of this process alone are compared.

    Args:
        scale: Factor of the cosines, the inverse temperature.
    """

    output = "embeddings"

    def __init__(self, scale: float = 20.0) -> None:
        super().__init__()
        if not 0 < scale < math.inf:
            raise UserError(f"scale of InBatchContrastive must be finite and above 0, got {scale}: try 20")
        self.scale = scale

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of -log softmax(scale * cosines with all second texts)[own], embeddings (2n, width)."""
        first, second = F.normalize(by_example(logits, batch), dim=-1).unbind(1)
        return F.cross_entropy(self.scale * first @ second.t(), torch.arange(len(first), device=first.device))


class CosineSquaredError(Loss):
    """The mean squared error of the cosine of two embeddings, as a prediction of their score (Sentence-BERT)."""

    output = "embeddings"

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of (cosine - score)^2, embeddings (2n, width), scores (n,) from 0 to 1."""
        first, second = by_example(logits, batch).unbind(1)
        return F.mse_loss(F.cosine_similarity(first, second), batch.labels)


class EmbeddingDistillation(Loss):
    """The cosine distance to the embeddings of a teacher: the model that is pruned, unless another one is set.

    It reads no label, so that any texts will do.
    """

    output = "embeddings"
    needs = ("teacher",)
    reads_labels = False

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of 1 - cosine with the teacher's embedding of the same text, both (2n, width)."""
        assert batch.teacher is not None
        return 1 - F.cosine_similarity(logits, batch.teacher).mean()


def by_example(logits: Tensor, batch: Examples) -> Tensor:
    """Return the embeddings of texts (2n, width), those of an example one after the other, as (n, 2, width)."""
    return logits.reshape(len(batch.labels), -1, logits.shape[-1])
