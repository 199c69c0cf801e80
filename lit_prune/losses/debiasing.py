"""Losses for classification against a known dataset bias (SRNets, Liu et al. 2022)."""

import math
from dataclasses import replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.losses.loss import Examples, Loss, mean_over_processes
from lit_prune.losses.plain import mean_cross_entropy


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
    has_state = True

    def __init__(self, entropy_penalty: float = 0.0) -> None:
        super().__init__()
        if entropy_penalty < 0 or not math.isfinite(entropy_penalty):
            raise UserError(f"entropy_penalty must be finite and at least 0, got {entropy_penalty}: try 0.03")
        self.entropy_penalty = entropy_penalty
        self.gate: nn.Linear | None = None

    def reset(self, width: int, group_sizes: Tensor) -> None:
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
        self.has_state = loss.has_state

    def reset(self, width: int, group_sizes: Tensor) -> None:
        """Reset the loss."""
        self.loss.reset(width, group_sizes)

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
