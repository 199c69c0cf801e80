"""Names of tasks, classes and groups: the names of metrics, files and modules that are made of them must differ."""

import re
from collections.abc import Iterable, Sequence

from torch import nn

from lit_prune.errors import UserError
from lit_prune.metrics import OVERLAP_BINS
from lit_prune.names import check_name

# What stands before a task in the names of metrics and curves, and the phases, which do in those of files too.
_PREFIXES = ("dense_shifted", "constant", "bias", "teacher", "stability", "sparsity", "scores", "threshold")
_PHASES = r"dense|mask|prune|search|tune|ticket|round_\d+"
_OVERLAPS = tuple(f"overlap_{name}" for name in OVERLAP_BINS)


def check_task_name(name: str) -> str:
    """Return the name of a task.

    Raises:
        UserError: It cannot be that of a module or a file, or would make two metrics one.
    """
    check_name("a task's name", name)
    if hasattr(nn.ModuleDict(), name) or name in _PREFIXES or re.fullmatch(_PHASES, name):
        raise UserError(f"a task's name must not be one that the package uses itself, got {name!r}: rename the task")
    return name


def check_class_names(task: str, names: Sequence[str]) -> None:
    """Raise a UserError if metrics cannot be named by the classes of a task."""
    for name in names:
        if not name.strip() or name != name.strip() or "/" in name or not name.isprintable():
            raise UserError(
                f"task {task!r}: the name of a class must be a text without / and outer white space, got {name!r}: "
                "rename the class"
            )
    taken: set[str] = set()
    for name in [*names, *(each for group in _OVERLAPS for each in _metrics_of(group, names))]:
        if name in taken:
            raise UserError(f"task {task!r}: metrics must differ, got accuracy_{name} twice: rename the class {name!r}")
        taken.add(name)


def check_group_names(where: str, groups: Iterable[str], classes: Sequence[str]) -> None:
    """Raise a UserError if the metrics of a group would be called like those of a class or of another group.

    Args:
        where: Names the set in errors.
        groups: The groups of its rows ("" is none).
        classes: The names of its classes.
    """
    taken = {*classes, *(each for group in _OVERLAPS for each in _metrics_of(group, classes))}
    for group in sorted({*groups} - {""}):
        own = {*_metrics_of(group, classes)}
        if "/" in group or own & taken:
            raise UserError(
                f"{where}: the name of a group must have no / and differ from those of classes and other groups, got "
                f"{group!r}: rename it in the rows, or leave `group` out of `columns`"
            )
        taken |= own


def _metrics_of(group: str, classes: Sequence[str]) -> list[str]:
    """Return the names of a group's metrics without the leading `accuracy_`."""
    return [group, *(f"{group}_{name}" for name in classes)]
