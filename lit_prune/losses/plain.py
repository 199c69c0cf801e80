"""Losses without debiasing."""

import math

import torch.nn.functional as F
from torch import Tensor

from lit_prune.losses.loss import Examples, Loss, over_step


class CrossEntropy(Loss):
    """Cross-entropy, the reference without debiasing.

    Of spans, logits (n, length, 2) and labels (n, 2), it is the mean of that of the first and of the last token, over
    all tokens of the batch's length (Devlin et al. 2019).
    """

    takes_merged = True

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of -log softmax(logits)[label]; of merged classes, of the sum of their softmax(logits)."""
        return mean_cross_entropy(logits, batch)


class MeanSquaredError(Loss):
    """The mean squared error of a regression head (STS-B in GLUE)."""

    output = "numbers"

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of (logits - label)^2, logits (n, 1), labels (n,) float."""
        return F.mse_loss(logits.reshape(batch.labels.shape), batch.labels)  # an error for more numbers than labels


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy of labels that are independent of each other."""

    output = "labels"

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean over examples and labels, logits (n, labels), labels 1 or 0 (n, labels) float."""
        return F.binary_cross_entropy_with_logits(logits, batch.labels)


class TokenCrossEntropy(Loss):
    """Cross-entropy over all labelled tokens of a step, of all processes; tokens labelled -100 have none."""

    output = "tokens"

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of -log softmax(logits)[label], logits (n, length, classes), labels (n, length).

        It is 0 without labels. Times the batch's `weight`, its mean over processes is the mean over the step's tokens.
        """
        total = F.cross_entropy(logits.transpose(1, 2), batch.labels, reduction="sum")
        return over_step(total, (batch.labels >= 0).sum(), batch.weight)


def mean_cross_entropy(logits: Tensor, batch: Examples) -> Tensor:
    """The mean of -log softmax(logits)[label], 0-dim; a label of merged classes is as likely as they are together."""
    if batch.classes is None:
        return F.cross_entropy(logits, batch.labels)
    meant = batch.classes[batch.labels]
    return (logits.logsumexp(-1) - logits.masked_fill(~meant, -math.inf).logsumexp(-1)).mean()
