"""Aliases of the settings of a phase, resolved where a configuration or an argument is read.

So `steps` on top of an inherited `epochs` replaces it, as both become `length`. `decay_over` and `select_after` are of
version 0.1.0.
"""

import re
from collections.abc import Sequence
from typing import Any

_LENGTHS = ("steps", "epochs")
_OF_0_1_0 = ("decay_over", "select_after")
_SETTINGS = {  # of a phase
    *("length", "learning_rate", "weight_decay", "warmup", "learning_rates", "optimizer", "lr_schedule", "eligible"),
    *(*_LENGTHS, *_OF_0_1_0),
}
_ARGUMENT = re.compile(
    r"--(?P<place>model\.[\w.-]+)\.(?P<alias>steps|epochs|decay_over|select_after)(?:=(?P<value>.*))?"
)


def resolve_aliases(value: Any, key: str = "") -> Any:
    """Return a plain value that a yaml contains, with the present settings of phases in place of aliases.

    Args:
        value: Mappings, lists and plain values.
        key: The key of the value in the mapping above it.
    """
    if isinstance(value, list):
        return [resolve_aliases(each) for each in value]
    if not isinstance(value, dict):
        return value
    if key != "init_args" and value.keys() <= _SETTINGS and value.keys() & {*_LENGTHS, *_OF_0_1_0}:
        return _resolve_phase(value)
    return {name: resolve_aliases(each, str(name)) for name, each in value.items()}


def _resolve_phase(settings: dict[str, Any]) -> dict[str, Any]:
    resolved = {name: each for name, each in settings.items() if name not in (*_LENGTHS, *_OF_0_1_0)}
    given = [name for name in _LENGTHS if settings.get(name) is not None]
    if len(given) > 1 or (given and resolved.get("length") is not None):
        return settings  # an error that `Training` raises
    for name in given:
        resolved["length"] = f"{_shortest(settings[name])} {name}"
    if settings.get("decay_over", 1) is None:
        resolved.setdefault("lr_schedule", None)
    if (over := settings.get("decay_over")) is not None:
        warmup = {"warmup": resolved.pop("warmup")} if "warmup" in resolved else {}
        resolved["lr_schedule"] = _class("LinearDecay", **warmup, over=over)
    if share := settings.get("select_after"):
        resolved["eligible"] = _class("After", share=share)
    elif "select_after" in settings:
        resolved.setdefault("eligible", None)
    return resolved


def has_old_settings(value: Any) -> bool:
    """True if a plain value that a yaml contains has settings of phases of version 0.1.0."""
    if isinstance(value, list):
        return any(map(has_old_settings, value))
    if not isinstance(value, dict):
        return False
    return bool(value.keys() & set(_OF_0_1_0)) or any(map(has_old_settings, value.values()))


def _shortest(number: Any) -> Any:
    """Return a number as text without a needless fraction, so that equal lengths are equal texts."""
    try:
        value = float(number)
        return int(value) if value.is_integer() else value
    except (TypeError, ValueError, OverflowError):
        return number  # an error that `Training` raises


def _class(name: str, **init_args: Any) -> dict[str, Any]:
    return {"class_path": f"lit_prune.phases.{name}", "init_args": init_args}


def resolve_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `fit` with the present settings of phases in place of aliases."""
    resolved: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        found = _ARGUMENT.fullmatch(argument)
        if found is None:
            resolved.append(argument)
            continue
        place, alias = found["place"], found["alias"]
        value = next(rest, "") if found["value"] is None else found["value"]
        if alias in _LENGTHS:
            resolved += [f"--{place}.length={_shortest(value)} {alias}"] if value != "null" else []
        elif value == "null":
            resolved.append(f"--{place}.{'lr_schedule' if alias == 'decay_over' else 'eligible'}=null")
        elif alias == "decay_over":
            resolved += [f"--{place}.lr_schedule=lit_prune.phases.LinearDecay", f"--{place}.lr_schedule.over={value}"]
        else:
            resolved += [f"--{place}.eligible=lit_prune.phases.After", f"--{place}.eligible.share={value}"]
    return resolved
