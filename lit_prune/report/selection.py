"""Selection of runs by values of axes."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lit_prune.errors import UserError
from lit_prune.report.results import Results, as_text
from lit_prune.report.rounds import ROUNDS_AXIS

_SHOWN = 12  # names in an error message, at most


def select(results: Results, chosen: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Select runs by values of their axes.

    Args:
        results: The runs.
        chosen: A value or a list of values by axis; `model` is checked and does not select runs.

    Returns:
        True for selected runs (runs,).

    Raises:
        UserError: An axis, value or model is unknown; sparsities of rounds are known when their run is complete.
    """
    found = np.ones(len(results.runs), dtype=bool)
    for axis, wanted in chosen.items():
        if axis == "model":
            check_known(str(wanted), {key.model for key in results.keys}, "model")
            continue
        is_awaited = axis == ROUNDS_AXIS and any(run.status != "completed" for run in results.runs)
        if not is_awaited:
            check_axes([axis], results, "the report")
        values = [run.axes.get(axis) for run in results.runs]
        match = np.zeros(len(values), dtype=bool)
        for each in wanted if isinstance(wanted, list) else [wanted]:
            has = np.array([value is not None and value in (each, as_text(each)) for value in values])
            if not has.any() and not is_awaited:
                known = sorted({str(value) for value in values if value is not None})
                raise UserError(f"unknown {axis} {each}: choose from {_suggestions(str(each), known)}")
            match |= has
        found &= match
    return found


def is_pending(results: Results, chosen: Mapping[str, Any]) -> bool:
    """True if there are runs with these values of their axes and none of them is complete."""
    states = [run.status for run, selected in zip(results.runs, select(results, chosen), strict=True) if selected]
    return bool(states) and "completed" not in states


def check_axes(axes: Iterable[str | None], results: Results, place: str) -> None:
    """Check that axes are known, ignoring None.

    Args:
        axes: Names of axes.
        results: The runs.
        place: The part of the settings that names the axes, for error messages.

    Raises:
        UserError: An axis is unknown.
    """
    for axis in axes:
        if axis is not None and axis not in results.axes:
            raise UserError(f"unknown axis {axis!r} of {place}: choose from {', '.join(results.axes)}")


def check_known(name: str, known: set[str], kind: str) -> None:
    """Check that a name is known.

    Raises:
        UserError: The name is unknown.
    """
    if name not in known:
        raise UserError(f"unknown {kind} {name!r}: choose from {_suggestions(name, sorted(known))}")


def _suggestions(name: str, known: Sequence[str]) -> str:
    """Return all known names if they are few, otherwise the closest."""
    if len(known) <= _SHOWN:
        return ", ".join(known)
    close = get_close_matches(name, known, n=_SHOWN, cutoff=0)
    return f"{', '.join(close)} or another of the {len(known)} in results.csv"
