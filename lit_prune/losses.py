"""Training losses for classification, plain and against a known dataset bias (SRNets, Liu et al. 2022)."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from lit_prune.errors import UserError


class Labelled(Protocol):
    """What a loss reads of a batch of n examples."""

    @property
    def labels(self) -> Tensor:
        """Classes, (n,) int64."""

    @property
    def bias(self) -> Tensor | None:
        """Log-probabilities of the bias model, (n, classes) float."""


class Loss(nn.Module, ABC):
    """A mean loss over a batch.

    Attributes:
        needs: The batch's optional fields that the loss reads, each (n, classes).
    """

    needs: ClassVar[tuple[str, ...]] = ()

    def forward(self, logits: Tensor, batch: Labelled) -> Tensor:
        """The loss, 0-dim float32.

        Args:
            logits: (n, classes), of any floating dtype; the loss is computed in float32.
            batch: The examples' labels and the fields named in `needs`.

        Raises:
            UserError: A needed field is missing, or has another number of rows or classes than the logits.
        """
        for field in self.needs:
            value = getattr(batch, field)
            if value is None:
                raise UserError(
                    f"{type(self).__name__} needs the batch's {field}, which is None: let the data provide it"
                )
            if value.shape != logits.shape:
                raise UserError(
                    f"{type(self).__name__}: the batch's {field} is {tuple(value.shape)}, the logits are "
                    f"{tuple(logits.shape)} (examples, classes): use a {field} of the same task"
                )
        return self.compute(logits.float(), batch)

    @abstractmethod
    def compute(self, logits: Tensor, batch: Labelled) -> Tensor:
        """The loss, 0-dim, of float32 logits (n, classes) and a batch that has what the loss needs."""


class CrossEntropy(Loss):
    """Cross-entropy, the reference without debiasing."""

    def compute(self, logits: Tensor, batch: Labelled) -> Tensor:
        """Mean of -log softmax(logits)[label]."""
        return F.cross_entropy(logits, batch.labels)


class ProductOfExperts(Loss):
    """Cross-entropy of the model's and the bias model's product (Clark et al. 2019; He et al. 2019).

    What the bias model explains already gives little gradient. Evaluation uses the model's logits alone.
    """

    needs = ("bias",)
    min_log_probability: ClassVar[float] = math.log(1e-8)  # a bias model that is sure and wrong: finite loss

    def compute(self, logits: Tensor, batch: Labelled) -> Tensor:
        """Mean of -log softmax(log softmax(logits) + bias)[label]."""
        assert batch.bias is not None
        bias = batch.bias.float().clamp(min=self.min_log_probability)
        return F.cross_entropy(logits.log_softmax(-1) + bias, batch.labels)
