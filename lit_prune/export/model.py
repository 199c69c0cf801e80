"""`TaskModel`: an encoder and the heads of its tasks, as a run left it or as an export is loaded."""

import re
from collections.abc import Container, Mapping, Sequence
from typing import Self

from torch import Tensor, nn
from transformers.utils import ModelOutput

from lit_prune.data.task import Task
from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.sparsity.install import use_task


class TaskModel(nn.Module):
    """An encoder and the heads of one or several tasks, of which one is in use, the first at first.

    Args:
        encoder: The encoder.
        tasks: The tasks; their rows are not read.

    Attributes:
        tasks: The tasks by name.
        task: The name of the one in use.
    """

    def __init__(self, encoder: PrunableEncoder, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.encoder = encoder
        self.tasks = {task.name: task for task in tasks}
        self.heads = nn.ModuleDict({task.name: task.make_head(encoder) for task in tasks})
        self.task = tasks[0].name

    def use(self, task: str) -> Self:
        """Switch to a task: its head, and where masks differ by task, its masks.

        Raises:
            UserError: The model has no such task.
        """
        if task not in self.tasks:
            raise UserError(f"task is {task!r}, needed is one of the model's: {', '.join(self.tasks)}")
        self.task = task
        use_task(self, task)
        return self

    def forward(self, **inputs: Tensor) -> ModelOutput:
        """What the tokenizer returns, each (batch, length) -> an object with the task's `logits`.

        Of classes they are (batch, classes), of numbers (batch, 1), of spans (batch, length, 2).
        """
        return ModelOutput(logits=self.heads[self.task](*self.encoder(inputs)))


def state_of(tasks: Container[str], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a run's state dict holds of a `TaskModel` of these tasks: other tasks' heads and masks are left out."""
    of_one = re.compile(r"(?:heads|.+\.mask\.own)\.([^.]+)\..+")
    return {
        name: value
        for name, value in state.items()
        if name.startswith(("encoder.", "heads.")) and ((found := of_one.fullmatch(name)) is None or found[1] in tasks)
    }
