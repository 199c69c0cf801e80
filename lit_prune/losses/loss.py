"""`Loss`: the base class of training losses, and the context of a loss."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError


@dataclass
class Examples:
    """The context of a loss: n examples of one task, and the state of training.

    Attributes:
        labels: Classes (n,) int64; numbers (n,) float32 of regression and of scored pairs; first and last token (n, 2)
            of spans; 1 or 0 for each of several labels (n, labels) float32; classes of tokens (n, length), -100 for
            those without one.
        bias: Log-probabilities of the bias model, (n, classes) float.
        classes: For each label, whether it may be each class, (labels, classes) bool. If None, label i is class i.
        weight: Number of examples here, over the mean number that the processes of the step have.
        teacher: Teacher predictions, of the shape of the logits: log-probabilities (n, classes) float, or embeddings.
        pooled: The encoder's pooled first token, (n, width).
        progress: Progress of the phase, 0 to 1.
        index: Row numbers within the task's training set, (n,).
        groups: Numbers of the examples' groups, from 0, (n,) int64.
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


class Loss(nn.Module, ABC):
    """A mean loss over a batch.

    Attributes:
        needs: The optional fields of the batch that the loss reads: `bias`, `teacher`, `groups`.
        takes_merged: True if labels may be of merged classes, given by the batch's `classes`.
        has_state: True if the loss has parameters or buffers, which `reset` makes: it can be a phase's loss only.
    """

    needs: tuple[str, ...] = ()
    takes_merged: bool = False
    has_state: bool = False

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
            if field != "groups" and value.shape != logits.shape:
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
