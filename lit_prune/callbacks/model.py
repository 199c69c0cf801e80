"""`model.json`: what a run's model is made of, as plain values from which it is rebuilt without code."""

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from lit_prune.data.tasks.kinds import describe
from lit_prune.data.tasks.task import Task
from lit_prune.phases.training import Training

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

MODEL = "model.json"


def describe_model(run: "Paradigm") -> dict[str, Any]:
    """Return a run's encoder, tasks and phases, under the keys that `config.yaml` has for them.

    Args:
        run: The run, which has begun.
    """
    preparation = run.data.preparation
    return {
        "encoder": run.encoder.arguments,
        "data": {
            "tasks": [_task(task) for task in run.tasks.values()],
            "max_length": preparation.max_length,
            "root": preparation.root,
        },
        "model": {
            "class_path": _path(type(run)),
            "init_args": {
                "start_from": None if run.start.path is None else str(run.start.path),
                "phases": {name: _phase(run, name) for name in run.phases},
            },
        },
        "trainer": {"precision": str(run.trainer.precision)},
    }


def _task(task: Task) -> dict[str, Any]:
    described = describe(task)
    path = f"lit_prune.data.{described.pop('kind')}"
    described["source"] = plain(task.source)
    return {"class_path": described.pop("class_path", path), "init_args": described}


def _phase(run: "Paradigm", name: str) -> dict[str, Any]:
    start, end = run.phases.span(name)
    return {**plain(run.phases[name]), "steps": end - start}


def plain(value: Any) -> Any:
    """Return a setting as a configuration has it: an object as its class path and the arguments it was built with.

    Args:
        value: A plain value, a class, a collection, or an object that keeps each argument under its name; an argument
            that it does not keep is left out.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence):
        return [plain(each) for each in value]
    if isinstance(value, Training):
        lengths = {name: getattr(value, name) for name in ("epochs", "steps") if getattr(value, name) is not None}
        settings = {each.name: plain(getattr(value, each.name)) for each in fields(value) if each.name not in lengths}
        given = [f"{number} {name}" for name, number in lengths.items()]
        return {key: each for key, each in settings.items() if each is not None} | {"length": given[0]}
    if isinstance(value, partial):  # a class with some of its arguments
        return {"class_path": _path([value.func, *value.args][-1]), "init_args": plain(value.keywords)}
    if callable(value) and hasattr(value, "__qualname__"):
        return _path(value)
    names = inspect.signature(type(value)).parameters
    return {
        "class_path": _path(type(value)),
        "init_args": {name: plain(getattr(value, name)) for name in names if hasattr(value, name)},
    }


def _path(kind: Any) -> str:
    """Return the class path: of the subpackage that exports it, else of its module."""
    module, name = kind.__module__, kind.__qualname__
    parent = module.rpartition(".")[0]
    return f"{parent if '.' in parent and getattr(sys.modules[parent], name, None) is kind else module}.{name}"
