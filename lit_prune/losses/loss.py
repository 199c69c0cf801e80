"""`Loss`: the base class of training losses, and the context of a loss."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError


@dataclass
class HiddenStates:
    """The hidden states of a model and of its teacher on one batch.

    Attributes:
        own: The states after each layer, (texts, length, width) each.
        teacher: The teacher's, of the same shapes.
        attended: 1 for a token, 0 for padding (texts, length).
    """

    own: Sequence[Tensor]
    teacher: Sequence[Tensor]
    attended: Tensor


@dataclass
class Examples:
    """The context of a loss: n examples of one task, and the state of training.

    Attributes:
        labels: Classes (n,) int64; numbers (n,) float32 of regression and of scored pairs; first and last token (n, 2)
            of spans; 1 or 0 for each of several labels (n, labels) float32; classes of tokens (n, length), -100 for
            those without one. Of unlabelled examples -1, or NaN for numbers.
        bias: Log-probabilities of the bias model, (n, classes) float.
        classes: For each label, whether it may be each class, (labels, classes) bool. If None, label i is class i.
        weight: Number of examples here, over the mean number that the processes of the step have.
        teacher: Teacher predictions, of the shape of the logits: log-probabilities of classes, of tokens of spans (over
            dimension 1) and of classes of tokens; logits of several labels; numbers; embeddings.
        pooled: The encoder's pooled first token, (n, width).
        progress: Progress of the phase, 0 to 1.
        index: Row numbers within the task's training set, (n,).
        groups: Numbers of the examples' groups, from 0, (n,) int64.
        hidden: The hidden states of the model and of its teacher.
    """

    labels: Tensor
    bias: Tensor | None = None
    classes: Tensor | None = None
    weight: float = 1.0
    teacher: Tensor | None = None
    pooled: Tensor | None = None
    progress: float = 0.0
    index: Tensor | None = None
    groups: Tensor | None = None
    hidden: HiddenStates | None = None


Output: TypeAlias = Literal["classes", "labels", "tokens", "numbers", "embeddings"]


class Loss(nn.Module, ABC):
    """A mean loss over a batch.

    Attributes:
        output: The kind of logits: of classes (spans too), of several `labels`, of the classes of tokens, numbers, or
            embeddings. A teacher is imitated accordingly.
        needs: The optional fields of the batch that the loss reads: `bias`, `teacher`, `groups`, `hidden`.
        reads_labels: False if examples without labels will do.
        takes_merged: True if labels may be of merged classes, given by the batch's `classes`.
        has_state: True if the loss has parameters or buffers, which `reset` makes: it can be a phase's loss only.
    """

    output: Output = "classes"
    needs: tuple[str, ...] = ()
    reads_labels: bool = True
    takes_merged: bool = False
    has_state: bool = False

    @property
    def has_teacher(self) -> bool:
        """True if it reads something of a teacher."""
        return not {"teacher", "hidden"}.isdisjoint(self.needs)

    def for_task(self, own: "Loss | None") -> "Loss":
        """Return the loss of a task in a phase with this loss: the task's own if it has one, else this loss."""
        return self if own is None else own

    def reset(self, width: int, group_sizes: Tensor) -> None:
        """Reset the loss's own parameters and buffers, when its phase begins.

        Args:
            width: Of the encoder's hidden states.
            group_sizes: Number of training examples of each group, (groups,) int64; empty without groups.
        """

    def forward(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the loss, 0-dim float32.

        Args:
            logits: (n, classes), or embeddings of each example's texts (2n, width), of any floating dtype; the loss is
                computed in float32.
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
            if field in ("bias", "teacher") and value.shape != logits.shape:
                raise UserError(
                    f"{field} of {type(self).__name__} must have the shape of the logits {tuple(logits.shape)} "
                    f"(examples, classes), got {tuple(value.shape)}: use a {field} of the same task"
                )
        return self.compute(logits.float(), batch)

    @abstractmethod
    def compute(self, logits: Tensor, batch: Examples) -> Tensor:
        """Return the loss, 0-dim, of float32 logits (n, classes) and a batch that has what the loss needs."""


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


def mean_over_processes(value: Tensor) -> Tensor:
    """Return the mean of a tensor without gradient over all processes; with one, the value."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(value)
        value = value / torch.distributed.get_world_size()
    return value


def over_step(total: Tensor, size: Tensor, weight: float) -> Tensor:
    """Return a sum over the examples of this process, divided by the mean size over processes.

    Times the batch's `weight`, its mean over processes is the sum over the step's examples divided by their size. It is
    0 if all sizes are.

    Args:
        total: The sum.
        size: The number of its terms, or the sum of others, of the same shape; without gradient.
        weight: The batch's weight.
    """
    mean_size = mean_over_processes(size.float() * (weight > 0)) * weight
    return total / mean_size.masked_fill(mean_size == 0, 1)
