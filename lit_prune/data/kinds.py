"""The package's kinds of tasks, by name: what a file tells of a task makes a task again, and nothing is imported."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lit_prune.data.choices import ChoiceTask
from lit_prune.data.closed import build_class, class_paths
from lit_prune.data.mentions import MentionTask
from lit_prune.data.similarity import Similarity
from lit_prune.data.sources.source import Source
from lit_prune.data.spans import SpanTask
from lit_prune.data.task import Task
from lit_prune.errors import UserError

# Class -> what of its settings says how texts are laid out and what logits mean.
_KINDS: dict[type[Task], tuple[str, ...]] = {
    Task: ("labels", "positive", "merge", "max_length"),
    ChoiceTask: ("num_choices", "max_length"),
    MentionTask: ("labels", "positive", "merge", "max_length"),
    Similarity: ("max_length",),
    SpanTask: ("windows",),
}
_BY_NAME = {kind.__name__: kind for kind in _KINDS}
_BY_PATH = class_paths(_KINDS, "lit_prune.data")
# Settings for training alone: a task that is evaluated goes without them.
_OF_TRAINING = ("source", "bias", "batch_size", "ood_train", "selection", "num_train", "loss", "validation")


def kind_of(class_path: str) -> str:
    """The kind of a task by its class: of another class than the package's, that of classes."""
    return _BY_PATH.get(class_path, Task).__name__


def describe(task: Task) -> dict[str, Any]:
    """Return plain values from which `rebuild` makes the task again, except for its rows."""
    kind = next(kind for kind in type(task).__mro__ if kind in _KINDS)
    settings = {name: getattr(task, name) for name in _KINDS[kind]}
    if "windows" in settings:
        settings["windows"] = asdict(settings["windows"])
    return {"kind": kind.__name__, "name": task.name, **settings}


def rebuild(described: Mapping[str, Any], source: Source, plugins: Mapping[str, type] | None = None) -> Task:
    """A task as it was, with other rows.

    Args:
        described: `kind`, `name` and its settings, of which those are taken that `describe` tells; for a class of a
            plugin `class_path` too, and all of its settings but those for training.
        source: Its rows.
        plugins: The classes of the user's own modules, by class path.

    Raises:
        UserError: It is of a class of its own that has no labels and is not among the plugins, or a setting is wrong.
    """
    own = described.get("class_path")
    where = f"task {described.get('name')!r}"
    if isinstance(own, str) and plugins and issubclass(plugins.get(own, object), Task):
        settings = {
            name: value for name, value in described.items() if name not in ("kind", "class_path", *_OF_TRAINING)
        }
        return build_class(plugins[own], settings, plugins, where, {"source": source})
    kind = _BY_NAME.get(described["kind"]) if isinstance(described.get("kind"), str) else None
    if kind is None:
        raise UserError(f"unknown kind {described.get('kind')!r} of {where}: choose from {', '.join(_BY_NAME)}")
    settings = {name: described[name] for name in ("name", *_KINDS[kind]) if described.get(name) is not None}
    if kind is Task and "labels" not in settings:
        raise UserError(
            f"the task {described['name']} has no labels, and of tasks of other kinds than classes test, predict and "
            f"export know those of the package only ({', '.join(_BY_NAME)} of lit_prune.data), and those of a module "
            "that you name with --plugins; what a run found of its own sets is in its metrics.json and "
            "predictions.parquet"
        )
    return build_class(kind, settings, {}, where, {"source": source})
