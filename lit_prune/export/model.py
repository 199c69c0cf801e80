"""`TaskModel`: an encoder and the heads of its tasks, rebuilt from a run or loaded from an export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers.utils import ModelOutput

from lit_prune.data.closed import build_class
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.sparsity.install import install_saved, masks_by_task, use_task
from lit_prune.tuning.adapter import install_saved_adapters
from lit_prune.tuning.fold import merge_lora

_AT_MOST = 100_000_000, 1000  # parameters of an encoder: so many, and so many for each byte of its files


def empty_encoder(settings: Mapping[str, Any], num_bytes: int) -> PrunableEncoder:
    """Build an encoder whose weights are to be loaded.

    Args:
        settings: Arguments of `PrunableEncoder`, plain values.
        num_bytes: The size of the files that hold its weights.

    Raises:
        UserError: a setting does not fit, or the encoder is far larger than files of this size can hold.
    """
    settings = {**settings, "pretrained": False, "compile": False}
    with torch.device("meta"):  # takes no memory
        size = sum(each.numel() for each in _encoder(settings).parameters())
    least, for_each = _AT_MOST
    if size > least + for_each * num_bytes:
        raise UserError(
            f"the encoder must fit its files of {num_bytes:,} bytes, got {size:,} parameters: is it the run's?"
        )
    return _encoder(settings)


def _encoder(settings: Mapping[str, Any]) -> PrunableEncoder:
    return build_class(PrunableEncoder, settings, {}, "encoder of the configuration")


class Changes:
    """Entries of a network that have other values in use than out of it.

    Args:
        entries: Their places in each flattened parameter (entries,) int64, and their values, by the parameter's name.
    """

    def __init__(self, entries: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        self.entries = dict(entries)

    @torch.no_grad()
    def swap(self, root: nn.Module) -> None:
        """Put the values into the network, and take those that are there; again, and all is as it was."""
        for name, (index, values) in self.entries.items():
            parameter = root.get_parameter(name).view(-1)
            index = index.to(parameter.device)
            self.entries[name] = index, parameter[index]
            parameter[index] = values.to(parameter)


class LoraChanges:
    """Matrices of a network that have LoRA's update merged in use, and are the same bits again out of it.

    Args:
        factors: What `merge_lora` takes, by the matrix's name.
    """

    def __init__(self, factors: Mapping[str, Mapping[str, Tensor]]) -> None:
        self.factors = factors
        self._before: dict[str, Tensor] = {}

    @torch.no_grad()
    def swap(self, root: nn.Module) -> None:
        """Merge the updates into the network; again, and all is as it was."""
        before, self._before = self._before, {}
        for name, parts in self.factors.items():
            weight = root.get_parameter(name)
            if before:
                weight.copy_(before[name])
            else:
                self._before[name] = weight.clone()
                weight.copy_(merge_lora(weight, {part: value.to(weight) for part, value in parts.items()}))


@dataclass
class Output(ModelOutput):  # type: ignore[misc]
    """The output of a `TaskModel`; a class of its own, as `torch.compile` and `torch.export` need its fields."""

    logits: Tensor | None = None


class TaskModel(nn.Module):
    """An encoder and the heads of one or several tasks, of which one is in use, the first at first.

    Args:
        encoder: The encoder.
        tasks: The tasks; their rows are not read.

    Attributes:
        tasks: The tasks by name.
        task: The name of the one in use.
        changes: What tasks change of the encoder while they are in use, by task.
    """

    def __init__(self, encoder: PrunableEncoder, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.encoder = encoder
        self.tasks = {task.name: task for task in tasks}
        self.heads = nn.ModuleDict({task.name: task.make_head(encoder) for task in tasks})
        self.task = tasks[0].name
        self._encoder_inputs = tuple(encoder.tokenizer.model_input_names)
        self.changes: dict[str, Changes | LoraChanges] = {}
        self._changed_by: Changes | LoraChanges | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names of the task in use, in the order of the logits; empty for a number or a span."""
        return tuple(self.tasks[self.task].classes)

    def take(self, state: Mapping[str, Tensor]) -> None:
        """Load a state dict, with the masks, factors and adapters that it has."""
        install_saved(self, state)
        install_saved_adapters(self, state)
        self.load_state_dict(state)

    def use(self, task: str) -> Self:
        """Switch to a task: its head, and where they differ by task, its masks and its changes of the encoder.

        Raises:
            UserError: The model has no such task.
        """
        if task not in self.tasks:
            raise UserError(f"unknown task {task!r}: choose from {', '.join(self.tasks)}")
        self.task = task
        use_task(self, task)
        changes = self.changes.get(task)
        if changes is not self._changed_by:
            for each in (self._changed_by, changes):
                if each is not None:
                    each.swap(self)
            self._changed_by = changes
        return self

    def forward(self, **inputs: Tensor) -> Output:
        """Compute the task's `logits` from the tokenizer's output, each (batch, length).

        For classes and labels they are (batch, classes), for numbers (batch, 1), for spans (batch, length, 2), for
        classes of tokens (batch, length, classes), and for embeddings the embeddings (batch, width). A task with
        `head_inputs` needs these too: for mentions `spans`, the tokens [first, last] of each row's two (batch, 2, 2).
        """
        of_head = {name: inputs[name] for name in self.tasks[self.task].head_inputs}
        inputs = {name: value for name, value in inputs.items() if name in self._encoder_inputs}
        return Output(logits=self.heads[self.task](*self.encoder(inputs), **of_head))


def check_same_for_all(model: TaskModel) -> None:
    """Check that the encoder is the same for all tasks of a model.

    Raises:
        UserError: masks or changes of the encoder differ by task.
    """
    if len(by_task := masks_by_task(model)) > 1:
        raise UserError(
            f"masks must be the same for all tasks, got others for {', '.join(by_task)}: take one with --task"
        )
    if model.changes:
        raise UserError(
            "changes of the encoder must be merged, got a delta that is swapped in: export the run as packed"
        )
