"""The record and the metrics of a run, read again."""

import re
from collections.abc import Mapping, Sequence
from math import isinf
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.files import read_json

_ROUND = re.compile(r"(round_\d+)/.+")
_NUMBERS = ("sparsity", "density", "selection", "seed", "step", "steps", "wall_seconds")


def read_record(run: Path) -> dict[str, Any]:
    """Return the content of a run's `run.json`; empty where the run has not begun.

    Raises:
        UserError: the file is damaged.
    """
    path = run / "run.json"
    content: dict[str, Any] = read_json(path, dict) if path.is_file() else {}
    return content


def config_file(run: Path) -> Path:
    """Return the file that has the configuration of a run.

    That is `config.yaml`, or `model.json` where a script and not a configuration made the run.

    Raises:
        UserError: neither is there.
    """
    for path in (run / "config.yaml", run / "model.json"):
        if path.is_file() or path.is_symlink():
            return path
    raise UserError(f"{run} must have config.yaml, got none: is it a run? (logs/<experiment>/version_<n>)")


def read_metrics(path: Path, needed: Sequence[str] = ()) -> dict[str, Any]:
    """Read a `metrics.json`.

    Args:
        path: The file.
        needed: Names that must be there.

    Raises:
        UserError: it is damaged, lacks one of them or what each round needs, or something is no number.
    """
    metrics: dict[str, Any] = read_json(path, dict)
    for name, value in metrics.items():
        numeric = "/" in name or name in _NUMBERS
        if not (is_number(value) if numeric else value is None or isinstance(value, str | bool) or is_number(value)):
            raise UserError(f"{path}: {name} must be a number, got {value!r:.60}: restore the file, or run it again")
    rounds = {found[1] for name in metrics if (found := _ROUND.fullmatch(name))}
    needed = [*needed, *(f"{each}/{name}" for each in sorted(rounds) for name in ("sparsity", "step"))]
    if missing := [name for name in [*needed, *["sparsity"] * bool(rounds)] if name not in metrics]:
        raise UserError(f"{path} must have {missing[0]}, got none: restore the file, or run it again")
    return metrics


def is_number(value: Any) -> bool:
    """True if a value that JSON holds is a number that a float can hold too; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**1000 if isinstance(value, int) else not isinf(value)


def number_of(record: Mapping[str, Any], name: str) -> float | None:
    """A number of a record; None where there is none."""
    value = record.get(name)
    return float(value) if value is not None and is_number(value) else None
