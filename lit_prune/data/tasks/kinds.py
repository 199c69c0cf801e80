"""The package's kinds of tasks; kinds of the user come from plugins. Nothing that a file names is imported."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lit_prune.data.closed import build_class, class_paths
from lit_prune.data.sources.source import Source
from lit_prune.data.tasks.choice import ChoiceTask
from lit_prune.data.tasks.embedding import EmbeddingTask
from lit_prune.data.tasks.mention import MentionTask
from lit_prune.data.tasks.multi_label import MultiLabelTask
from lit_prune.data.tasks.regression import RegressionTask
from lit_prune.data.tasks.similarity import Similarity
from lit_prune.data.tasks.span import SpanTask
from lit_prune.data.tasks.task import Task
from lit_prune.data.tasks.token import TokenTask
from lit_prune.data.tasks.windows import Windows
from lit_prune.errors import UserError

KINDS = {
    kind.__name__: kind
    for kind in (
        Task,
        ChoiceTask,
        EmbeddingTask,
        MentionTask,
        MultiLabelTask,
        RegressionTask,
        Similarity,
        SpanTask,
        TokenTask,
    )
}
_BY_PATH = class_paths(KINDS.values(), "lit_prune.data")
# Settings for training only: a task that is evaluated does without them.
_OF_TRAINING = ("source", "bias", "batch_size", "ood_train", "selection", "num_train", "loss", "validation")


def kind_of(class_path: str) -> str:
    """Return the name of a task's kind by its class path; a class of a user counts as `Task`."""
    return _BY_PATH.get(class_path, Task).__name__


def describe(task: Task) -> dict[str, Any]:
    """Return plain values from which `rebuild` makes the task again, except for its rows.

    A user's class is described as the package's kind that it extends. Only if it has a head of its own, it is described
    by its class path too, and then needs its plugin.
    """
    kind: type[Task] = next(kind for kind in type(task).__mro__ if kind in KINDS.values())
    settings = {name: getattr(task, name) for name in task.settings}
    plain = {name: asdict(each) if isinstance(each, Windows) else each for name, each in settings.items()}
    described = {"kind": kind.__name__, "name": task.name, **plain}
    if type(task).make_head is not kind.make_head:
        described["class_path"] = f"{type(task).__module__}.{type(task).__qualname__}"
    return described


def rebuild(described: Mapping[str, Any], source: Source, plugins: Mapping[str, type] | None = None) -> Task:
    """Rebuild a task with other rows.

    Args:
        described: `kind`, `name` and the settings that `describe` returns; for a class of a plugin `class_path` too,
            and all of its settings except those for training.
        source: The rows.
        plugins: The classes of the user's own modules, by class path.

    Raises:
        UserError: its class is no kind of the package and not among the plugins, or a setting is wrong.
    """
    own = described.get("class_path")
    where = f"task {described.get('name')!r}"
    if isinstance(own, str) and plugins and issubclass(plugins.get(own, object), Task):
        settings = {
            name: value for name, value in described.items() if name not in ("kind", "class_path", *_OF_TRAINING)
        }
        return build_class(plugins[own], settings, plugins, where, {"source": source})
    kind = KINDS.get(described["kind"]) if isinstance(described.get("kind"), str) else None
    if kind is None:
        raise UserError(f"unknown kind {described.get('kind')!r} of {where}: choose from {', '.join(KINDS)}")
    settings = {name: described[name] for name in ("name", *kind.settings) if described.get(name) is not None}
    if kind is Task and "labels" not in settings:
        raise UserError(
            f"unknown class {own!r} of {where}, which has no labels: choose from {', '.join(KINDS)} of lit_prune.data, "
            "or name the module of your own that defines it with --plugins; the run's own results are in its "
            "metrics.json and predictions.parquet"
        )
    return build_class(kind, settings, {}, where, {"source": source})
