"""Checks of the data module's settings, before any row is read."""

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from lit_prune.data.batch import check_length
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError


def chosen_tasks(tasks: Sequence[Task], only: Sequence[str] | None) -> dict[str, Task]:
    """Return the tasks by name: those named, in that order, or all if `only` is None.

    Raises:
        UserError: There is none, two have one name, or a name is unknown.
    """
    named = {task.name: task for task in tasks}
    if not tasks or len(named) < len(tasks):
        names = [task.name for task in tasks]
        raise UserError(f"data.tasks must be one or more tasks with different names, got {names}: rename or add")
    if only is None:
        return named
    if not only or not set(only) <= named.keys() or len(set(only)) < len(only):
        raise UserError(
            f"data.only must be names of data.tasks, each once, got {list(only)}: choose from {sorted(named)}"
        )
    return {name: named[name] for name in only}


def selecting_tasks(tasks: Mapping[str, Task], target: str | None) -> dict[str, Task]:
    """Return the tasks that select checkpoints: the target alone, or all if there is none.

    Raises:
        UserError: The target is unknown.
    """
    if target is None:
        return dict(tasks)
    if target not in tasks:
        raise UserError(f"unknown task {target!r} as data.target: choose from {', '.join(tasks)}")
    return {target: tasks[target]}


def check_numbers(sizes: Mapping[str, object], validation_fraction: float, num_workers: int) -> None:
    """Check numbers of rows, the validation cut and the workers.

    Args:
        sizes: Setting -> a number of rows or batches, or another value, which is not checked.
        validation_fraction: Share of the training rows.
        num_workers: Worker processes.

    Raises:
        UserError: One is out of range.
    """
    if not 0 <= validation_fraction < 1:
        raise UserError(
            f"data.validation_fraction must be in [0, 1), got {validation_fraction}: set a share of the rows"
        )
    for name, value in sizes.items():
        if isinstance(value, int) and value < 1:
            raise UserError(f"data.{name} must be at least 1, got {value}: set a larger number")
    if num_workers < 0:
        raise UserError(f"data.num_workers must be at least 0, got {num_workers}: 0 reads in the process itself")


def check_lengths(max_length: int, tasks: Sequence[Task], tokenizer: PreTrainedTokenizerBase) -> None:
    """Check the maximum numbers of tokens: the data module's, and those of tasks.

    Raises:
        UserError: One is out of range.
    """
    lengths = {"max_length": max_length} | {f"tasks: max_length of {task.name!r}": task.max_length for task in tasks}
    for name, value in lengths.items():
        if value is not None:
            check_length(f"data.{name}", value, tokenizer)
