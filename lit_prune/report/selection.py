"""Which runs of a study are meant by values of axes."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lit_prune.errors import UserError
from lit_prune.report.results import Results, as_text

_SHOWN = 12  # known names in an error, at most


def select(results: Results, chosen: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which runs have these values of their axes (runs,); `model` among them says nothing about runs.

    Args:
        results: The runs.
        chosen: Axes, and of each the value that is meant or a list of such values.

    Raises:
        UserError: an axis, a value of one or a model is not among the results.
    """
    found = np.ones(len(results.runs), dtype=bool)
    for axis, wanted in chosen.items():
        if axis == "model":
            check_known(str(wanted), {key.model for key in results.keys}, "model")
            continue
        check_axes([axis], results, "the report")
        values = [run.axes.get(axis) for run in results.runs]
        match = np.zeros(len(values), dtype=bool)
        for each in wanted if isinstance(wanted, list) else [wanted]:
            has = np.array([value is not None and value in (each, as_text(each)) for value in values])
            if not has.any():
                known = sorted({str(value) for value in values if value is not None})
                raise UserError(f"no run has {axis} {each}: its values are {_some(str(each), known)}")
            match |= has
        found &= match
    return found


def awaited(results: Results, chosen: Mapping[str, Any]) -> bool:
    """Whether there are runs that have these values of their axes, of which none is complete yet."""
    states = [run.status for run, there in zip(results.runs, select(results, chosen), strict=True) if there]
    return bool(states) and "completed" not in states


def check_axes(axes: Iterable[str | None], results: Results, place: str) -> None:
    """Every axis (but None) is one that a run has.

    Raises:
        UserError: one is not; `place` named it.
    """
    for axis in axes:
        if axis is not None and axis not in results.axes:
            raise UserError(f"{place} names the axis {axis!r}, which no run has: use {', '.join(results.axes)}")


def check_known(name: str, known: set[str], kind: str) -> None:
    """A name is known among those of its kind.

    Raises:
        UserError: it is not.
    """
    if name not in known:
        raise UserError(f"no run has the {kind} {name!r}: use {_some(name, sorted(known))}")


def _some(name: str, known: Sequence[str]) -> str:
    """All known names, or those that come closest."""
    if len(known) <= _SHOWN:
        return ", ".join(known)
    close = get_close_matches(name, known, n=_SHOWN, cutoff=0)
    return f"{', '.join(close)} or another of the {len(known)} in results.csv"
