"""Planned optimizer steps of a run, by its resolved configuration."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_STEPS = re.compile(r"\s*(\d+)\s*steps?\s*")


def planned_steps(config: Mapping[str, Any]) -> int | None:
    """Return the optimizer steps of all phases, None if a phase counts epochs or a callback repeats one.

    Args:
        config: The resolved configuration.
    """
    lengths = list(_lengths(config["model"].get("init_args") or {}))
    callbacks = config["trainer"].get("callbacks") or []
    is_repeated = any("num_rounds" in (each.get("init_args") or {}) for each in callbacks)
    steps = [each for each in lengths if each is not None]
    return None if is_repeated or len(steps) < len(lengths) else sum(steps)


def _lengths(settings: Any) -> Iterator[int | None]:
    """Yield the steps of every phase in the settings, None for one that counts epochs."""
    if not isinstance(settings, Mapping):
        return
    if {"learning_rate", "weight_decay", "warmup"} <= settings.keys():  # a `Training`; what is None may be left out
        found = _STEPS.fullmatch(settings.get("length") or "")
        yield int(found[1]) if found else settings.get("steps")
    else:
        for each in settings.values():
            yield from _lengths(each)
