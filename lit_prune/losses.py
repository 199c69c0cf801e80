"""Training losses, plain and for classification against a known dataset bias (SRNets, Liu et al. 2022)."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lit_prune.errors import UserError


@dataclass
class Examples:
    """The context of a loss: n examples of one task, and the state of training.

    Attributes:
        labels: Classes (n,) int64; numbers (n,) float32 of regression; first and last token (n, 2) of spans.
        bias: Log-probabilities of the bias model, (n, classes) float.
        classes: For each label, whether it may be each class, (labels, classes) bool. If None, label i is class i.
        weight: Number of examples here, over the mean number that the processes of the step have.
        teacher: Teacher predictions: log-probabilities, (n, classes) float.
        pooled: The encoder's pooled first token, (n, width).
        progress: Progress of the phase, 0 to 1.
        index: Row numbers within the task's training set, (n,).
    """

    labels: Tensor
    bias: Tensor | None = None
    classes: Tensor | None = None
    weight: float = 1.0
    teacher: Tensor | None = None
    pooled: Tensor | None = None
    progress: float = 0.0
    index: Tensor | None = None


class Loss(nn.Module, ABC):
    """A mean loss over a batch.

    Attributes:
        needs: The optional fields of the batch that the loss reads, each (n, classes).
        takes_merged: True if labels may be of merged classes, given by the batch's `classes`.
    """

    needs: tuple[str, ...] = ()
    takes_merged: bool = False

    def reset(self, width: int) -> None:
        """Reset the loss's own parameters, when its phase begins.

        Args:
            width: Of the encoder's hidden states.
        """

    def forward(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the loss, 0-dim float32.

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
                    f"the batch of {type(self).__name__} must have {field}, got None: let the data provide it"
                )
            if value.shape != logits.shape:
                raise UserError(
                    f"{field} of {type(self).__name__} must have the shape of the logits {tuple(logits.shape)} "
                    f"(examples, classes), got {tuple(value.shape)}: use a {field} of the same task"
                )
        return self.compute(logits.float(), batch)

    @abstractmethod
    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the loss, 0-dim, of float32 logits (n, classes) and a batch that has what the loss needs."""


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

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of (logits - label)^2, logits (n, 1), labels (n,) float."""
        return F.mse_loss(logits.reshape(batch.labels.shape), batch.labels)  # an error for more numbers than labels


class ProductOfExperts(Loss):
    """Cross-entropy of the model's and the bias model's product (Clark et al. 2019; He et al. 2019).

    What the bias model explains already gives little gradient. Evaluation uses the model's logits alone.
    """

    needs = ("bias",)
    takes_merged = True
    min_log_probability: ClassVar[float] = math.log(1e-8)  # a bias model that is sure and wrong: finite loss

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the mean of -log softmax(log softmax(logits) + bias)[label]; merged classes as in `CrossEntropy`."""
        assert batch.bias is not None
        bias = batch.bias.float().clamp(min=self.min_log_probability)
        return mean_cross_entropy(logits.log_softmax(-1) + bias, batch)


class LearnedMixin(Loss):
    """Product of experts with a learned weight of the bias model per example (Clark et al. 2019, section 3.2.5).

    The bias model's log-probabilities are scaled by g = softplus(w . h + b), with h the encoder's pooled first token; w
    and b are trained with whatever else the phase trains, and are no part of the model that comes of it. At first g is
    1, so that training begins as with `ProductOfExperts` (ours).

    Args:
        entropy_penalty: Weight of the mean entropy of softmax(g * bias), which grows as g falls. Without it the model
            may learn to ignore the bias model (H in the papers: .01 to .03).
    """

    needs = ("bias",)
    takes_merged = True

    def __init__(self, entropy_penalty: float = 0.0) -> None:
        super().__init__()
        if entropy_penalty < 0 or not math.isfinite(entropy_penalty):
            raise UserError(f"entropy_penalty must be finite and at least 0, got {entropy_penalty}: try 0.03")
        self.entropy_penalty = entropy_penalty
        self.gate: nn.Linear | None = None

    def reset(self, width: int) -> None:
        """Make the gate, w and b: g is 1 for every row."""
        self.gate = nn.Linear(width, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, math.log(math.e - 1))

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """As of `ProductOfExperts` with g * bias in place of bias, and the weighted entropy."""
        assert batch.bias is not None
        assert batch.pooled is not None
        assert self.gate is not None, "reset begins a phase"
        with torch.autocast(logits.device.type, enabled=False):
            trust = F.softplus(self.gate(batch.pooled.float()))
        bias = trust * batch.bias.float().clamp(min=ProductOfExperts.min_log_probability)
        scaled = bias.log_softmax(-1)
        entropy = -(scaled.exp() * scaled).sum(-1).mean()
        return mean_cross_entropy(logits.log_softmax(-1) + bias, batch) + self.entropy_penalty * entropy


class Reweighting(Loss):
    """Cross-entropy weighted by 1 - p, with p the bias model's probability of the label (Clark et al. 2019).

    Weights are normalised over the step (SRNets, Liu et al. 2022, appendix C.1).
    """

    needs = ("bias",)
    min_weight: ClassVar[float] = 1e-8  # of a step's examples on average: a bias model that knows them all

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the sum of w * -log softmax(logits)[label] over that of w, with w = 1 - the bias model's p(label)."""
        assert batch.bias is not None
        weights = 1 - batch.bias.float().gather(-1, batch.labels[:, None]).squeeze(-1).exp()
        losses = F.cross_entropy(logits, batch.labels, reduction="none")
        return (weights * losses).mean() / mean_over_processes(weights.mean() * batch.weight).clamp(min=self.min_weight)


def mean_cross_entropy(logits: Tensor, batch: Examples) -> Tensor:
    """The mean of -log softmax(logits)[label], 0-dim; a label of merged classes is as likely as they are together."""
    if batch.classes is None:
        return F.cross_entropy(logits, batch.labels)
    meant = batch.classes[batch.labels]
    return (logits.logsumexp(-1) - logits.masked_fill(~meant, -math.inf).logsumexp(-1)).mean()


def check_labels(loss: Loss, task: str, merged: Iterable[str]) -> None:
    """Raise a UserError if a loss does not take labels of merged classes, and a task has some."""
    if not loss.takes_merged and (names := ", ".join(merged)):
        raise UserError(
            f"loss must take labels of merged classes, as {names} of task {task!r} is, got {type(loss).__name__}: name "
            "one class for it in ood_train.labels, or train with CrossEntropy"
        )


def check_finite(loss: Tensor, when: str, checkpoint: Callable[[], str]) -> None:
    """Raise a UserError if a loss is not finite.

    Args:
        loss: 0-dim.
        when: The step.
        checkpoint: Returns the name of the last good checkpoint.
    """
    if not math.isfinite(value := float(loss.detach())):
        raise UserError(
            f"the loss must be finite, got {value} at {when}: lower the phase's learning_rate; the last good "
            f"checkpoint is {checkpoint()}"
        )


class ConfidenceRegularisation(Loss):
    """Distillation from a teacher whose confidence is scaled down by the bias model (Utama et al. 2020, ACL).

    Confidence regularisation of SRNets (Liu et al. 2022, appendix C.1). The teacher is a dense model: this run's, or
    another's.
    """

    needs = ("bias", "teacher")

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Mean of -sum_k t_k log softmax(logits)_k, t proportional to teacher^(1 - the bias model's p(label))."""
        assert batch.bias is not None
        assert batch.teacher is not None
        trust = 1 - batch.bias.float().gather(-1, batch.labels[:, None]).exp()
        return F.cross_entropy(logits, power(batch.teacher, trust).exp().to(logits.dtype))


class Annealed(Loss):
    """A loss whose bias model fades in or out over the phase (Utama et al. 2020, EMNLP).

    The bias model's probabilities are raised to the power of theta and normalised: theta 1 leaves them unchanged, theta
    0 makes all classes equally likely. Theta is linear over the phase.

    Args:
        loss: The loss, one that needs a bias model.
        first: Theta at the phase's first step.
        last: Theta at its end; equal to `first` for a constant temperature.
    """

    def __init__(self, loss: Loss, first: float = 1.0, last: float = 0.8) -> None:
        super().__init__()
        if "bias" not in loss.needs:
            raise UserError(f"loss of Annealed must use a bias model, got {type(loss).__name__}: try ProductOfExperts")
        if min(first, last) < 0 or not math.isfinite(first + last):
            raise UserError(
                f"first and last of Annealed must be finite and at least 0, got {first}, {last}: try 1, 0.8"
            )
        self.loss = loss
        self.first = first
        self.last = last
        self.needs = loss.needs
        self.takes_merged = loss.takes_merged

    def reset(self, width: int) -> None:
        """Reset the loss."""
        self.loss.reset(width)

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the loss of a batch whose bias is annealed."""
        assert batch.bias is not None
        theta = self.first + (self.last - self.first) * batch.progress
        return self.loss.compute(logits, replace(batch, bias=power(batch.bias, theta)))


def power(log_probs: Tensor, exponent: float | Tensor) -> Tensor:
    """Return log-probabilities (n, classes) of the distributions p^exponent, normalised; float32.

    Args:
        log_probs: Log-probabilities of p; -inf is a class ruled out, which the exponent 0 lets in again.
        exponent: From 0 on, one or (n, 1).
    """
    finite = log_probs.float().clamp(min=torch.finfo(torch.float32).min)
    return (finite * exponent).log_softmax(-1)


def mean_over_processes(value: Tensor) -> Tensor:
    """Return the mean of a 0-dim tensor without gradient over all processes; with one, the value."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(value)
        value = value / torch.distributed.get_world_size()
    return value
