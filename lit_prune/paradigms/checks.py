"""Checks of a run's phases before its first step: learning rates by name, and losses that fit the tasks."""

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import nn

from lit_prune.data.batch import Batch
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.losses import Loss, check_labels
from lit_prune.runs.checkpoints import LOSS

if TYPE_CHECKING:
    from lit_prune.data.module import MultitaskDataModule
    from lit_prune.paradigms.paradigm import Paradigm


def check_needs(loss: Loss, tasks: Iterable[Task]) -> None:
    """Check that tasks have what a loss of theirs reads.

    Args:
        loss: The phase's, of tasks without one of their own.
        tasks: The tasks.

    Raises:
        UserError: one has not.
    """
    for task in tasks:
        own = loss if task.loss is None else task.loss
        if "bias" in own.needs and task.bias is None:
            raise UserError(
                f"{type(own).__name__} needs a bias model, but task {task.name!r} has none: set its `bias`, "
                "as configs/srnet_poe.yaml does"
            )
        check_labels(own, task.name, task.ood_train.merged(task.labels))


def check_phases(module: "Paradigm", data: "MultitaskDataModule") -> None:
    """Check what would otherwise fail when a later phase begins; no random number is drawn.

    Args:
        module: The run, whose phases are laid out.
        data: Its data, prepared.

    Raises:
        UserError: a pattern of `learning_rates` names no parameter that its phase trains, or a loss does not fit a
            task.
    """
    with torch.random.fork_rng():
        for name in module.phases:
            phase = module.phases[name]
            start, end = module.phases.span(name)
            if start == end:
                continue
            loss = copy.deepcopy(phase.loss)
            loss.reset(module.encoder.hidden_size)
            if phase.training.learning_rates:
                learned = [f"{LOSS}{each}" for each, _ in loss.named_parameters()]
                phase.training.names_by_pattern([*phase.trained_names(module), *learned])
            for task in module.tasks.values():
                head = module.heads[task.name]
                _check_loss(name, task.loss or loss, data.some_rows(task.name), head, module.encoder.hidden_size)


@torch.no_grad()
def _check_loss(phase: str, loss: Loss, batch: Batch, head: nn.Module, width: int) -> None:
    """Compute a loss on rows of a task whose hidden states are all 0."""
    num_texts, length = batch.inputs["input_ids"].shape
    pooled = torch.zeros(num_texts, width)
    logits = head(torch.zeros(num_texts, length, width), pooled, **batch.head_inputs)
    examples = batch.examples(0.0, pooled, teacher=logits.log_softmax(-1))
    try:
        value = loss(logits, examples)
    except (RuntimeError, IndexError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"loss of phase {phase!r} must fit task {batch.task!r}, got {type(loss).__name__}: its logits are "
            f"{tuple(logits.shape)} and its labels {tuple(batch.labels.shape)}; set the loss of the task or the phase"
        ) from error
    if value.ndim:
        raise UserError(
            f"loss of phase {phase!r} must be one number, got {type(loss).__name__} with one of shape "
            f"{tuple(value.shape)}: take the mean"
        )
