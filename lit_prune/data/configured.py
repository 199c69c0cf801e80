"""Settings of a run's tasks, from its `config.yaml`."""

from collections.abc import Mapping
from typing import Any

from lit_prune.data.closed import convert
from lit_prune.data.tasks.kinds import kind_of
from lit_prune.errors import UserError


def configured_tasks(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of a run's tasks by name, with the `class_path` and the `kind` (`tasks.kinds`) of each.

    Raises:
        KeyError: there is no `data.tasks`, or one of them has no name.
        UserError: tasks are of other types than a configuration has there.
    """
    data = config["data"]
    tasks, only = _of_kind(data, dict, "data")["tasks"], data.get("only")
    every = {}
    for number, each in enumerate(_of_kind(tasks, list, "data.tasks")):
        where = f"data.tasks[{number}]"
        init_args = _of_kind(_of_kind(each, dict, where)["init_args"], dict, f"{where}.init_args")
        name = _of_kind(init_args["name"], str, f"{where}.init_args.name")
        path = _of_kind(each.get("class_path", ""), str, f"{where}.class_path")
        every[name] = {**init_args, "kind": kind_of(path), "class_path": path}
    chosen = list(every) if only is None else _of_kind(only, list, "data.only")
    if unknown := [name for name in chosen if not isinstance(name, str) or name not in every]:
        raise UserError(
            f"unknown task {unknown[0]!r} in data.only of the configuration: choose from {', '.join(every)}"
        )
    if not every:
        raise UserError("data.tasks of the configuration must be one or more tasks, got none: is it a run's?")
    return {name: every[name] for name in chosen or every}


def _of_kind(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, kind):
        raise UserError(f"{where} of the configuration must be a {kind.__name__}, got {str(value)[:60]!r}: correct it")
    return value


def setting(config: Mapping[str, Any], key: str, hint: Any) -> Any:
    """Return a setting of a configuration, such as `data.max_length`, converted by a type hint; None if it is not set.

    Raises:
        UserError: it does not fit.
    """
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return convert(value, hint, {}, f"{key} of the configuration")
