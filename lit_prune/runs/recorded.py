"""Reading of a run's record and metrics."""

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
    """Return the content of a run's `run.json`, empty if the run has not begun.

    Raises:
        UserError: The file is damaged.
    """
    path = run / "run.json"
    content: dict[str, Any] = read_json(path, dict) if path.is_file() else {}
    return content


def config_file(run: Path) -> Path:
    """Return the file that has the configuration of a run.

    That is `config.yaml`, or `model.json` if a script made the run without a configuration.

    Raises:
        UserError: Neither exists.
    """
    for path in (run / "config.yaml", run / "model.json"):
        if path.is_file() or path.is_symlink():
            return path
    raise UserError(f"{run} must have config.yaml, got none: is it a run? (logs/<experiment>/version_<n>)")


def read_metrics(path: Path, required: Sequence[str] = ()) -> dict[str, Any]:
    """Read a `metrics.json`.

    Args:
        path: The file.
        required: Names of required metrics; those of rounds are always required.

    Raises:
        UserError: The file is damaged, a required metric is missing, or a value is not a number.
    """
    metrics: dict[str, Any] = read_json(path, dict)
    for name, value in metrics.items():
        numeric = "/" in name or name in _NUMBERS
        if not (is_number(value) if numeric else value is None or isinstance(value, str | bool) or is_number(value)):
            raise UserError(f"{path}: {name} must be a number, got {value!r:.60}: restore the file, or run it again")
    rounds = {found[1] for name in metrics if (found := _ROUND.fullmatch(name))}
    required = [*required, *(f"{each}/{name}" for each in sorted(rounds) for name in ("sparsity", "step"))]
    if missing := [name for name in [*required, *["sparsity"] * bool(rounds)] if name not in metrics]:
        raise UserError(f"{path} must have {missing[0]}, got none: restore the file, or run it again")
    return metrics


def is_number(value: Any) -> bool:
    """True if a value from JSON is a number in the range of a float; False for booleans."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**1000 if isinstance(value, int) else not isinf(value)


def number_of(record: Mapping[str, Any], name: str) -> float | None:
    """Return a number in a record, None if it is missing or not a number."""
    value = record.get(name)
    return float(value) if value is not None and is_number(value) else None
