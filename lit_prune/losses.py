"""Training losses for classification, plain and against a known dataset bias (SRNets, Liu et al. 2022)."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Protocol

import torch
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

    @property
    def classes(self) -> Tensor | None:
        """For each label, whether it may be each class, (labels, classes) bool; None: label i is class i."""

    @property
    def weight(self) -> float:
        """Number of examples here, over the mean number that the processes of the step have."""


class Loss(nn.Module, ABC):
    """A mean loss over a batch.

    Attributes:
        needs: The batch's optional fields that the loss reads, each (n, classes).
        takes_merged: Whether labels may be those of merged classes, as the batch's `classes` tells.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    takes_merged: ClassVar[bool] = False

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

    takes_merged = True

    def compute(self, logits: Tensor, batch: Labelled) -> Tensor:
        """Mean of -log softmax(logits)[label]; of merged classes, of the sum of their softmax(logits)."""
        return mean_cross_entropy(logits, batch)


class ProductOfExperts(Loss):
    """Cross-entropy of the model's and the bias model's product (Clark et al. 2019; He et al. 2019).

    What the bias model explains already gives little gradient. Evaluation uses the model's logits alone.
    """

    needs = ("bias",)
    takes_merged = True
    min_log_probability: ClassVar[float] = math.log(1e-8)  # a bias model that is sure and wrong: finite loss

    def compute(self, logits: Tensor, batch: Labelled) -> Tensor:
        """Mean of -log softmax(log softmax(logits) + bias)[label], of merged classes as in `CrossEntropy`."""
        assert batch.bias is not None
        bias = batch.bias.float().clamp(min=self.min_log_probability)
        return mean_cross_entropy(logits.log_softmax(-1) + bias, batch)


class Reweighting(Loss):
    """Cross-entropy in which an example weighs the less the surer the bias model is of its label (Clark et al. 2019).

    Weights are normalised over the step (SRNets, Liu et al. 2022, appendix C.1).
    """

    needs = ("bias",)
    min_weight: ClassVar[float] = 1e-8  # of a step's examples on average: a bias model that knows them all

    def compute(self, logits: Tensor, batch: Labelled) -> Tensor:
        """Sum of w * -log softmax(logits)[label] over the sum of w, with w = 1 - the bias model's p(label)."""
        assert batch.bias is not None
        weights = 1 - batch.bias.float().gather(-1, batch.labels[:, None]).squeeze(-1).exp()
        losses = F.cross_entropy(logits, batch.labels, reduction="none")
        return (weights * losses).mean() / mean_over_processes(weights.mean() * batch.weight).clamp(min=self.min_weight)


def mean_cross_entropy(logits: Tensor, batch: Labelled) -> Tensor:
    """The mean of -log softmax(logits)[label], 0-dim; a label of merged classes is as likely as they are together."""
    if batch.classes is None:
        return F.cross_entropy(logits, batch.labels)
    meant = batch.classes[batch.labels]
    return (logits.logsumexp(-1) - logits.masked_fill(~meant, -math.inf).logsumexp(-1)).mean()


def check_labels(loss: Loss, task: str, merged: Iterable[str]) -> None:
    """Refuse, with a UserError, a loss that does not know what a task's merged classes are."""
    if not loss.takes_merged and (names := ", ".join(merged)):
        raise UserError(
            f"{type(loss).__name__} takes no labels of merged classes, as {names} of task {task!r} is: name one class "
            "for it in ood_train.labels, or train with CrossEntropy"
        )


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of a 0-dim tensor without gradient over all processes; with one, the value."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(value)
        value = value / torch.distributed.get_world_size()
    return value
