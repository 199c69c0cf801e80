"""The runs of a study, one by one, each after the one that it starts from; or a part of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from lit_prune.errors import UserError
from lit_prune.studies.study import KIND, Study, Tuning, text
from lit_prune.studies.trials import Trials


@dataclass(frozen=True)
class Run:
    """One run of a study.

    Args:
        name: Its name and its folder in the study's: `mask/loss=poe/seed=2`.
        kind: Its kind.
        axes: Its place: a value by axis, and its kind as `run` where there are several.
        arguments: What it says to `lit_prune fit`, but for where it is written and what it starts from.
        ancestor: Name of the run that it starts from.
        trials: What decides whether it is run; None: it is.
    """

    name: str
    kind: str
    axes: Mapping[str, Any]
    arguments: tuple[str, ...]
    ancestor: str | None
    trials: Trials | None = None

    @property
    def needs(self) -> list[str]:
        """Names of the runs that must have ended before it."""
        tried = [] if self.trials is None else [name for names in self.trials.names.values() for name in names]
        return [*tried, *([] if self.ancestor is None else [self.ancestor])]


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
            trials = None if said.tune is None else _trials(study, kind, said.tune, place)
            runs.append(Run(_name(study, kind, place), kind, shown, tuple(arguments), ancestor, trials))
    names = {run.name for run in runs}
    for run in runs:
        if run.ancestor not in {*names, None}:
            raise UserError(f"{run.name} starts from {run.ancestor}, which the study leaves out: see runs.*.where")
    return runs


def _trials(study: Study, kind: str, tune: Tuning, place: Mapping[str, Any]) -> Trials | None:
    """The runs that try for one at this place; None: it is one of them."""
    if all(place[axis] in values for axis, values in tune.where.items()):
        return None
    tried = [dict(zip(tune.where, values, strict=True)) for values in product(*tune.where.values())]
    own = study.kinds[kind].where.get(tune.axis, study.axes[tune.axis])
    return Trials(
        tune.axis,
        {value: tuple(_name(study, kind, {**place, **each, tune.axis: value}) for each in tried) for value in own},
    )


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
    needs = {run.name: run.needs for run in plan}
    asked = list(meets)
    while asked:
        further = [name for name in needs[asked.pop()] if name not in meets]
        meets.update(further)
        asked += further
    return [run for run in plan if run.name in meets]
