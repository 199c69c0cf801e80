"""Checks of a run's phases before its first step: learning rates by name, and losses that fit the tasks."""

import copy
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Trainer, callbacks
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn

from lit_prune.callbacks.prune import Prune
from lit_prune.data.batch import Batch
from lit_prune.data.tasks.task import Task
from lit_prune.data.unlabelled import IS_UNLABELLED
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.losses.loss import HiddenStates, check_labels
from lit_prune.paradigms.ddp import replaces_samplers
from lit_prune.paradigms.teacher import check_teacher
from lit_prune.phases.training import Training
from lit_prune.runs.checkpoints import LOSS

if TYPE_CHECKING:
    from lit_prune.data.module import MultitaskDataModule
    from lit_prune.paradigms.paradigm import Paradigm


CHANGE_THE_RUN = (  # callbacks that change weights, optimizers or batches
    Prune,
    callbacks.BackboneFinetuning,
    callbacks.BatchSizeFinder,
    callbacks.GradientAccumulationScheduler,
    callbacks.LearningRateFinder,
    callbacks.ModelPruning,
    callbacks.StochasticWeightAveraging,
    callbacks.WeightAveraging,
)
_BY_PHASES = "a run ends with its last phase"
# Setting of a Trainer -> the values with which a run is whole, and what to do instead of others.
_RELIED_ON: dict[str, tuple[tuple[Any, ...], str]] = {
    "barebones": ((False,), "a run without checkpoints and records has no result"),
    "fast_dev_run": ((False,), "it saves nothing"),
    "limit_train_batches": ((1.0,), "data.num_train trains on fewer rows, and phases have lengths"),
    "limit_val_batches": ((1.0,), "metrics are of whole sets; evaluate less often by val_check_interval"),
    "overfit_batches": ((0.0,), "data.num_train trains on fewer rows"),
    "check_val_every_n_epoch": ((1, None), "the end of each phase is evaluated"),
    "min_epochs": ((None, 0, 1), _BY_PHASES),
    "min_steps": ((None, 0), _BY_PHASES),
    "reload_dataloaders_every_n_epochs": ((0,), "batches are a function of seed and step"),
    "precision": (("32-true", "bf16-mixed", "16-mixed"), "weights and scores are kept in single precision"),
}


def check_needs(loss: Loss, tasks: Iterable[Task]) -> None:
    """Check that tasks have what a loss of theirs reads.

    Args:
        loss: The phase's, of tasks without one of their own.
        tasks: The tasks.

    Raises:
        UserError: one has not.
    """
    for task in tasks:
        own = loss.for_task(task.loss)
        if "bias" in own.needs and task.bias is None:
            raise UserError(
                f"task {task.name!r} must have a bias model for {type(own).__name__}, got none: set its `bias`, "
                "as configs/srnet_poe.yaml does"
            )
        check_labels(own, task.name, task.ood_train.merged(task.labels))


def check_fit(module: "Paradigm", stage: str) -> None:
    """Check that a Trainer is to fit a paradigm, which has not been trained before.

    Raises:
        UserError: the stage is another, or it has.
    """
    if stage != TrainerFn.FITTING:
        named = TrainerFn(stage).value
        raise UserError(f"a paradigm must be trained by Trainer.fit, got {named}: evaluate its run by lit_prune test")
    if module.phases.ends:
        raise UserError("a paradigm must be trained once, got it again: make a new one, as its phases have begun")


def check_trainer(trainer: Trainer) -> None:
    """Check the settings of a Trainer that a run relies on, also where no command line has checked them.

    Raises:
        UserError: a run would not be whole under one.
    """
    for name, (allowed, remedy) in _RELIED_ON.items():
        value = getattr(trainer, name)
        if not any(value == each and type(value) is type(each) for each in allowed):  # 1 is one batch, 1.0 are all
            raise UserError(f"trainer.{name} must be {' or '.join(map(str, allowed))}, got {value}: {remedy}")
    if not isinstance(trainer.strategy, DDPStrategy | SingleDeviceStrategy):
        raise UserError(
            f"trainer.strategy must be ddp or that of one device, got {type(trainer.strategy).__name__}: no process "
            "has the whole model with others"
        )
    if replaces_samplers(trainer):
        raise UserError("trainer.use_distributed_sampler must be false, got true: the data module shares each batch")
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, CHANGE_THE_RUN):
            raise UserError(
                f"trainer.callbacks must leave weights and phases to the run, got {type(callback).__name__}: remove it"
            )
    if trainer.datamodule is None:  # type: ignore[attr-defined]
        raise UserError("Trainer.fit must have a MultitaskDataModule, got none: call fit(paradigm, datamodule=data)")


def check_phases(module: "Paradigm", data: "MultitaskDataModule", steps_per_epoch: float) -> None:
    """Check what would otherwise fail when a later phase begins; no random number is drawn.

    Args:
        module: The run, whose phases are laid out.
        data: Its data, prepared.
        steps_per_epoch: Optimizer steps of one pass over the data.

    Raises:
        UserError: the trainer's epochs end before the last phase, a pattern of `learning_rates` names no parameter that
            its phase trains, a loss does not fit a task, or a teacher is not used.
    """
    needed, allowed = math.ceil(module.steps_planned / steps_per_epoch), module.trainer.max_epochs
    if allowed is not None and -1 < allowed < needed:
        raise UserError(
            f"trainer.max_epochs must be -1 or at least {needed}, got {allowed}: a run ends with its last phase, at "
            f"step {module.steps_planned}"
        )
    losses: list[Loss] = []
    with torch.random.fork_rng():
        for name in module.phases:
            phase = module.phases[name]
            start, end = module.phases.span(name)
            if start == end:
                continue
            loss = copy.deepcopy(phase.loss)
            loss.reset(module.encoder.hidden_size, data.group_sizes)
            _check_optimizer(name, phase.training)
            if phase.training.learning_rates:
                learned = [f"{LOSS}{each}" for each, _ in loss.named_parameters()]
                phase.training.names_by_pattern([*phase.trained_names(module), *learned])
            for task in module.tasks.values():
                losses.append(own := loss.for_task(task.loss))
                if "groups" in own.needs and data.groups is None:
                    raise UserError(
                        f"data.groups must be set for {type(own).__name__}, got null: choose from bias, overlap, group"
                    )
                if own.reads_labels and IS_UNLABELLED in data.train[task.name].column_names:
                    raise UserError(
                        f"loss of phase {name!r} must do without labels, as task {task.name!r} has unlabelled rows, "
                        f"got {type(own).__name__}: set lit_prune.losses.Distillation with hardness 1, and a teacher"
                    )
                head = module.heads[task.name]
                _check_loss(name, own, data.some_rows(task.name), head, module.encoder.hidden_size)
    check_teacher(module, losses)


def _check_optimizer(phase: str, training: Training) -> None:
    """Build an optimizer of a user's choice over a matrix and a vector, and take a step."""
    if training.optimizer is None:
        return
    parameters = [nn.Parameter(torch.zeros(size)) for size in ((2, 2), (2,))]
    for each in parameters:
        each.grad = torch.zeros_like(each)
    try:
        training.optimizer([{"params": [each], "lr": training.learning_rate} for each in parameters]).step()
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise UserError(
            f"optimizer of phase {phase!r} must train dense tensors with its arguments, got {error}: correct them"
        ) from error


@torch.no_grad()
def _check_loss(phase: str, loss: Loss, batch: Batch, head: nn.Module, width: int) -> None:
    """Compute a loss on rows of a task whose hidden states are all 0."""
    num_texts, length = batch.inputs["input_ids"].shape
    hidden, pooled = torch.zeros(num_texts, length, width), torch.zeros(num_texts, width)
    logits = head(hidden, pooled, **batch.head_inputs)
    states = HiddenStates([hidden], [hidden], batch.inputs["attention_mask"])
    examples = batch.examples(0.0, pooled, logits.log_softmax(-1), states)
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
