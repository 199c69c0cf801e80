"""Distillation: a model learns from the predictions of a teacher (Hinton et al. 2015, arXiv 1503.02531)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.losses.loss import Examples, HiddenStates, Loss, Output, over_step
from lit_prune.losses.plain import CrossEntropy


class Distillation(Loss):
    """A supervised loss and the distance to a teacher's predictions (Hinton et al. 2015), for tasks of all kinds.

        (1 - hardness) * supervised + hardness * distance + hidden_weight * hidden-state error

    The distance is T^2 times the KL divergence of the model's distribution from the teacher's, both at temperature T:
    of classes, of the tokens that begin and end a span, of each of several labels, and of the classes of each token
    that stands for a word. It is the squared error of numbers, and 1 - cosine of embeddings, which have no temperature.

    The hidden-state error is the squared error of the hidden states of all tokens, divided by the teacher's sum of
    squares; its mean over layers (SquareHead, Kurtic et al. 2023, arXiv 2310.06927). It takes a teacher with the same
    tokens, width and number of layers, which runs beside the model in every step.

    A teacher passes its bias on. To debias, set `loss` to a debiasing loss and hardness below 1, or soften the teacher
    by `ConfidenceRegularisation`.

    Args:
        hardness: Weight of the distance, 0 to 1; with 1, labels are unused (oBERT, Kurtic et al. 2022). The default
            keeps the supervised loss, which corrects the teacher where it is wrong, at an equal weight.
        temperature: The temperature T.
        loss: The supervised loss of tasks that have no loss of their own. If None, cross-entropy.
        hidden_weight: Weight of the hidden-state error.

    Raises:
        UserError: A setting is out of range, or the supervised loss would not be used.
    """

    def __init__(
        self, hardness: float = 0.5, temperature: float = 2.0, loss: Loss | None = None, hidden_weight: float = 0.0
    ) -> None:
        super().__init__()
        if not 0 <= hardness <= 1:
            raise UserError(f"hardness of Distillation must be from 0 to 1, got {hardness}: try 0.5")
        if not 0 < temperature < math.inf:
            raise UserError(f"temperature of Distillation must be finite and above 0, got {temperature}: try 2")
        if not 0 <= hidden_weight < math.inf:
            raise UserError(f"hidden_weight of Distillation must be finite and at least 0, got {hidden_weight}: try 1")
        supervised = loss or CrossEntropy()
        if hardness == 1 and set(supervised.needs) - {"teacher"}:
            raise UserError(
                f"hardness of Distillation must be below 1 with {type(supervised).__name__}, got 1, which leaves it "
                "unused: try 0.5"
            )
        self.hardness = hardness
        self.temperature = temperature
        self.loss = supervised
        self.hidden_weight = hidden_weight
        self.output = supervised.output
        self.needs = supervised.needs if hardness < 1 else ()
        self.needs += ("teacher",) * (hardness > 0) + ("hidden",) * (hidden_weight > 0)
        self.reads_labels = hardness < 1 and supervised.reads_labels
        self.takes_merged = hardness == 1 or supervised.takes_merged
        self.has_state = supervised.has_state

    def for_task(self, own: Loss | None) -> Loss:
        """Return distillation with a task's own loss as the supervised one, if it has one."""
        if own is None:
            return self
        return Distillation(self.hardness, self.temperature, own, self.hidden_weight)

    def reset(self, width: int, group_sizes: Tensor) -> None:
        """Reset the supervised loss."""
        self.loss.reset(width, group_sizes)

    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the weighted sum of the terms whose weight is not 0."""
        total = logits.new_zeros(())
        if self.hardness < 1:
            total = total + (1 - self.hardness) * self.loss.compute(logits, batch)
        if self.hardness > 0:
            assert batch.teacher is not None
            apart = distance(self.output, logits, batch.teacher.float(), batch, self.temperature)
            total = total + self.hardness * apart
        if self.hidden_weight > 0:
            assert batch.hidden is not None
            total = total + self.hidden_weight * hidden_error(batch.hidden, batch.weight)
        return total


def distance(output: Output, logits: Tensor, teacher: Tensor, batch: Examples, temperature: float) -> Tensor:
    """Return the distance of logits to a teacher's predictions, 0-dim; see `Distillation`.

    Args:
        output: The kind of logits.
        logits: Float32 logits: (n, classes), (n, length, 2) of spans, (n, labels), (n, length, classes) of tokens,
            (n, 1) of numbers, (2n, width) of embeddings.
        teacher: The teacher's predictions of the same shape; -inf rules a class out.
        batch: The examples.
        temperature: The temperature of distributions.
    """
    if output == "numbers":
        return F.mse_loss(logits, teacher)
    if output == "embeddings":
        return 1 - F.cosine_similarity(logits, teacher).mean()
    own, teacher = logits / temperature, teacher / temperature
    if output == "labels":
        probabilities = teacher.sigmoid()
        divergence = F.binary_cross_entropy_with_logits(own, probabilities)
        divergence = divergence - F.binary_cross_entropy_with_logits(teacher, probabilities)
    elif output == "tokens":
        stands_for_word = batch.labels != -100
        divergences = _divergence(own, teacher, dim=-1)
        divergence = over_step((divergences * stands_for_word).sum(), stands_for_word.sum(), batch.weight)
    else:
        divergence = _divergence(own, teacher, dim=1).mean()
    return divergence * temperature**2


def hidden_error(states: HiddenStates, weight: float) -> Tensor:
    """Return the squared error of hidden states over the teacher's sum of squares, 0-dim, mean over layers.

    Args:
        states: The states.
        weight: The batch's weight: sums are over the step's tokens, of all processes.
    """
    attended = states.attended[..., None]
    errors, squares = [], []
    for own, teacher in zip(states.own, states.teacher, strict=True):
        errors.append((own.float() - teacher.float()).square().mul(attended).sum())
        squares.append(teacher.float().square().mul(attended).sum())
    return over_step(torch.stack(errors), torch.stack(squares), weight).mean()


def _divergence(own: Tensor, teacher: Tensor, dim: int) -> Tensor:
    """Return the KL divergence of the softmax of logits from the teacher's over a dimension."""
    return F.kl_div(own.log_softmax(dim), teacher.softmax(dim), reduction="none").sum(dim)
