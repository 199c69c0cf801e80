"""Configuration files of version 0.1.0 on a command line of `fit`, in their present form."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_warn

from lit_prune.errors import UserError
from lit_prune.limits import parse_yaml
from lit_prune.runs.aliases import has_old_settings, resolve_aliases
from lit_prune.runs.upgrade import upgrade_config

_OPTIONS = ("--config", "-c")


def upgraded(arguments: Sequence[str]) -> list[str]:
    """Return a command line in which the content of a configuration file that needs an upgrade replaces its path.

    One warning names all such files.
    """
    found: list[str] = []
    result = list(_upgraded(arguments, found))
    if found:
        rank_zero_warn(f"{', '.join(found)} has settings of version 0.1.0: they are read in their present form")
    return result


def as_argument(path: Path, content: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return the value of `--config` for a file: its path, or its upgraded content.

    Args:
        path: The file.
        content: What it contains.
        settings: The same in the present form.
    """
    return str(path) if settings == content else json.dumps(settings)


def _upgraded(arguments: Sequence[str], found: list[str]) -> Iterator[str]:
    is_config = False
    for each in arguments:
        name, equals, value = each.partition("=")
        if is_config:
            yield _upgraded_file(each, found)
        elif equals and name in _OPTIONS:
            yield f"{name}={_upgraded_file(value, found)}"
        else:
            yield each
        is_config = each in _OPTIONS and not is_config


def _upgraded_file(value: str, found: list[str]) -> str:
    path = Path(value)
    if value.startswith("{") or not path.is_file():  # a mapping in the place of a file; a pipe is read once
        return value
    try:
        content = parse_yaml(path.read_bytes(), path)
    except UserError:  # raised by the parser
        return value
    settings = upgrade_config(content)
    present = resolve_aliases(content)  # which are not of an old version
    found += [value] * (settings != present or has_old_settings(content))
    return as_argument(path, present, settings)
