"""Resolution of a study's many configurations, of which most differ in seeds and other plain values alone."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Resolve = Callable[[Sequence[str]], dict[str, Any]]
START_FROM = "model.init_args.start_from"


def resolving_once(resolve: Resolve) -> Resolve:
    """Return a function that resolves arguments of `lit_prune fit` as `resolve` does, in a fraction of the time.

    Resolving takes up to some seconds, and a study has hundreds of runs. Arguments that differ in plain values alone
    are resolved once, and the values of the others put in their places. A value is plain if the configuration contains
    it as it was given: numbers, lists of names, a run's axes and the run that it starts from.

    Args:
        resolve: Arguments of `lit_prune fit` -> the configuration that they resolve to.
    """
    known: dict[tuple[str, ...], dict[str, Any]] = {}
    converted: set[str] = set()  # keys whose values the configuration contains in another form

    def resolve_once(arguments: Sequence[str]) -> dict[str, Any]:
        values = {key: value for key, value in _plain_values(arguments).items() if key not in converted}
        if (shape := _shape(arguments, values)) not in known:
            config = resolve(arguments)
            converted.update(key for key, value in values.items() if not _contains(config, key.split("."), value))
            values = {key: value for key, value in values.items() if key not in converted}
            known[_shape(arguments, values)] = config
            return config
        config = known[shape]
        for key, value in values.items():
            config = _replaced(config, key.split("."), value)
        return config

    return resolve_once


def _plain_values(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the plain values among the arguments by key, except those that another argument overrides."""
    configs = [number for number, each in enumerate(arguments) if each.startswith("--config")]
    settings = arguments[max(configs, default=-1) + 1 :]  # a configuration overrides the settings before it
    keys = [_key(each) for each in settings]
    values = {}
    for key, each in zip(keys, settings, strict=True):
        value = _value(key, each.partition("=")[2])
        if value is not None and sum(_overlap(key, other) for other in keys) == 1:
            values[key] = value
    return values


def _overlap(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


def _key(argument: str) -> str:
    return argument.partition("=")[0].removeprefix("--")


def _value(key: str, text: str) -> Any:
    """Return a plain value, None if it is not plain."""
    if key == START_FROM:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return None
    is_names = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return value if key == "axes" or is_names or isinstance(value, bool | int | float) else None


def _shape(arguments: Sequence[str], values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the arguments with the type of each plain value in its place."""
    keys = [_key(each) for each in arguments]
    types = [f"{key}: {type(values[key]).__name__}" if key in values else None for key in keys]
    return tuple(kind or each for kind, each in zip(types, arguments, strict=True))


def _contains(config: Any, path: Sequence[str], value: Any) -> bool:
    for key in path:
        if not isinstance(config, Mapping) or key not in config:
            return False
        config = config[key]
    return type(config) is type(value) and bool(config == value)


def _replaced(config: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a configuration with another value at a place that it has."""
    key, *rest = path
    return {**config, key: _replaced(config[key], rest, value) if rest else value}
