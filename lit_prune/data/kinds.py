"""The package's kinds of tasks, by name: what a file tells of a task makes a task again, and nothing is imported."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lit_prune.data.choices import ChoiceTask
from lit_prune.data.mentions import MentionTask
from lit_prune.data.similarity import Similarity
from lit_prune.data.sources.source import Source
from lit_prune.data.spans import SpanTask
from lit_prune.data.task import Task
from lit_prune.data.windows import Windows
from lit_prune.errors import UserError

# Name -> the class, and what of its settings says how texts are laid out and what logits mean.
_KINDS: dict[str, tuple[type[Task], tuple[str, ...]]] = {
    "Task": (Task, ("labels", "positive", "merge", "max_length")),
    "ChoiceTask": (ChoiceTask, ("num_choices", "max_length")),
    "MentionTask": (MentionTask, ("labels", "positive", "merge", "max_length")),
    "Similarity": (Similarity, ("max_length",)),
    "SpanTask": (SpanTask, ("windows",)),
}


def kind_of(class_path: str) -> str:
    """The kind of a task by its class: of another class than the package's, that of classes."""
    name = class_path.rpartition(".")[2]
    return name if class_path.startswith("lit_prune.data.") and name in _KINDS else "Task"


def describe(task: Task) -> dict[str, Any]:
    """What `rebuild` makes the task of again, but for its rows; plain values."""
    kind = next((kind for kind, (made, _) in _KINDS.items() if type(task) is made), "Task")
    settings = {name: getattr(task, name) for name in _KINDS[kind][1]}
    if "windows" in settings:
        settings["windows"] = asdict(settings["windows"])
    return {"kind": kind, "name": task.name, **settings}


def rebuild(described: Mapping[str, Any], source: Source) -> Task:
    """A task as it was, with other rows.

    Args:
        described: `kind`, `name`, and its settings, of which those are taken that `describe` tells.
        source: Its rows.

    Raises:
        UserError: It is of a class of its own that has no labels.
    """
    make, names = _KINDS[described["kind"]]
    settings = {name: described[name] for name in names if described.get(name) is not None}
    if make is Task and "labels" not in settings:
        raise UserError(
            f"the task {described['name']} has no labels, and of tasks of other kinds than classes test, predict and "
            f"export know those of the package only ({', '.join(_KINDS)} of lit_prune.data); what a run found of its "
            "own sets is in its metrics.json and predictions.parquet"
        )
    if "windows" in settings:
        settings["windows"] = Windows(**settings["windows"])
    return make(described["name"], source=source, **settings)
