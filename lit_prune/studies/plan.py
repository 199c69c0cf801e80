"""The runs of a study, one by one, each after the one that it starts from; or a part of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from lit_prune.errors import UserError
from lit_prune.studies.study import KIND, Study, text


@dataclass(frozen=True)
class Run:
    """One run of a study.

    Args:
        name: Its name and its folder in the study's: `mask/loss=poe/seed=2`.
        kind: Its kind.
        axes: Its place: a value by axis, and its kind as `run` where there are several.
        arguments: What it says to `lit_prune fit`, but for where it is written and what it starts from.
        ancestor: Name of the run that it starts from.
    """

    name: str
    kind: str
    axes: Mapping[str, Any]
    arguments: tuple[str, ...]
    ancestor: str | None


def make_plan(study: Study) -> list[Run]:
    """All runs of a study, in the order in which they can be run.

    Raises:
        UserError: a run starts from one that is left out.
    """
    runs = []
    for kind, said in study.kinds.items():
        for values in product(*(said.where.get(axis, study.axes[axis]) for axis in said.axes)):
            place = dict(zip(said.axes, values, strict=True))
            shown = {KIND: kind, **place} if len(study.kinds) > 1 else place
            arguments = [*said.arguments]
            for axis, value in place.items():
                arguments += study.axes[axis][value]
            there = {axis: values[0] for axis, values in said.where.items() if axis not in said.axes}
            ancestor = None if said.start_from is None else _name(study, said.start_from, place | there)
            arguments.append(f"--axes={json.dumps(shown)}")
            runs.append(Run(_name(study, kind, place), kind, shown, tuple(arguments), ancestor))
    names = {run.name for run in runs}
    for run in runs:
        if run.ancestor not in {*names, None}:
            raise UserError(f"{run.name} starts from {run.ancestor}, which the study leaves out: see runs.*.where")
    return runs


def _name(study: Study, kind: str, place: Mapping[str, Any]) -> str:
    parts = [f"{axis}={text(place[axis])}" for axis in study.kinds[kind].axes]
    return "/".join([kind, *parts] if len(study.kinds) > 1 or not parts else parts)


def select(plan: Sequence[Run], conditions: Sequence[str]) -> list[Run]:
    """A part of a plan, and what it depends on.

    Args:
        plan: The runs.
        conditions: `axis=value` each; runs that have one of the values given for every axis given are selected.

    Raises:
        UserError: a condition names no axis or no value of it, or no run meets them all.
    """
    wanted: dict[str, set[str]] = {}
    for condition in conditions:
        axis, _, value = condition.partition("=")
        known = [text(run.axes[axis]) for run in plan if axis in run.axes]
        if not known:
            axes = dict.fromkeys(name for run in plan for name in run.axes)
            raise UserError(f"--where {condition}: there is no axis {axis!r}; use {', '.join(axes)}, as axis=value")
        if value not in known:
            raise UserError(f"--where {condition}: {axis} has {', '.join(dict.fromkeys(known))}")
        wanted.setdefault(axis, set()).add(value)
    meets = {
        run.name
        for run in plan
        if all(axis in run.axes and text(run.axes[axis]) in values for axis, values in wanted.items())
    }
    if not meets:
        raise UserError(f"--where {' '.join(conditions)}: no run has all of it")
    for run in reversed(plan):
        if run.name in meets and run.ancestor is not None:
            meets.add(run.ancestor)
    return [run for run in plan if run.name in meets]
