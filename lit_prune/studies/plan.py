"""The plan of a study: its runs in order of their dependencies, and selections of them."""

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
        name: Name, and folder within the study's folder: `mask/loss=poe/seed=2`.
        kind: Kind of run.
        axes: Values by axis, with the kind as `run` if the study has several.
        arguments: Arguments of `lit_prune fit`, without those for the folder and the checkpoint it starts from.
        ancestor: Name of the run that it starts from.
        trials: Trial runs that decide whether it is run, None if it always is.
    """

    name: str
    kind: str
    axes: Mapping[str, Any]
    arguments: tuple[str, ...]
    ancestor: str | None
    trials: Trials | None = None

    @property
    def dependencies(self) -> list[str]:
        """Names of the runs that have to end before this one starts."""
        trials = [] if self.trials is None else [name for names in self.trials.names.values() for name in names]
        return [*trials, *([] if self.ancestor is None else [self.ancestor])]


def make_plan(study: Study) -> list[Run]:
    """Return all runs of a study, in an order in which they can be run.

    Raises:
        UserError: A run starts from a run that is not in the study.
    """
    runs = []
    for name, kind in study.kinds.items():
        for values in product(*(kind.where.get(axis, study.axes[axis]) for axis in kind.axes)):
            place = dict(zip(kind.axes, values, strict=True))
            axes = {KIND: name, **place} if len(study.kinds) > 1 else place
            arguments = [*kind.arguments]
            for axis in kind.own:
                arguments += study.axes[axis][place[axis]]
            fixed = {axis: values[0] for axis, values in kind.where.items() if axis not in kind.axes}
            ancestor = None if kind.start_from is None else _name(study, kind.start_from, place | fixed)
            arguments.append(f"--axes={json.dumps(axes)}")
            trials = None if kind.tune is None else _trials(study, name, kind.tune, place)
            runs.append(Run(_name(study, name, place), name, axes, tuple(arguments), ancestor, trials))
    names = {run.name for run in runs}
    for run in runs:
        if run.ancestor not in {*names, None}:
            raise UserError(
                f"{run.name} must start from a run of the study, got {run.ancestor}: include it in runs.*.where"
            )
    return runs


def _trials(study: Study, kind: str, tune: Tuning, place: Mapping[str, Any]) -> Trials | None:
    """Return the trial runs for a run at this place, None if it is a trial run itself."""
    if all(place[axis] in values for axis, values in tune.where.items()):
        return None
    tried = [dict(zip(tune.where, values, strict=True)) for values in product(*tune.where.values())]
    values = study.kinds[kind].where.get(tune.axis, study.axes[tune.axis])
    return Trials(
        tune.axis,
        {value: tuple(_name(study, kind, {**place, **each, tune.axis: value}) for each in tried) for value in values},
    )


def _name(study: Study, kind: str, place: Mapping[str, Any]) -> str:
    parts = [f"{axis}={text(place[axis])}" for axis in study.kinds[kind].axes]
    return "/".join([kind, *parts] if len(study.kinds) > 1 or not parts else parts)


def select(plan: Sequence[Run], conditions: Sequence[str]) -> list[Run]:
    """Select runs of a plan, and the runs that they depend on.

    Args:
        plan: The runs.
        conditions: `axis=value`, several values per axis allowed; a run is selected if it has one of the values of
            every named axis.

    Raises:
        UserError: An axis or value is unknown, or no run meets all conditions.
    """
    values_by_axis: dict[str, set[str]] = {}
    for condition in conditions:
        axis, _, value = condition.partition("=")
        known = [text(run.axes[axis]) for run in plan if axis in run.axes]
        if not known:
            axes = dict.fromkeys(name for run in plan for name in run.axes)
            raise UserError(f"unknown axis {axis!r} in --where {condition}: choose from {', '.join(axes)}")
        if value not in known:
            raise UserError(f"unknown {axis} {value!r} in --where: choose from {', '.join(dict.fromkeys(known))}")
        values_by_axis.setdefault(axis, set()).add(value)
    selected = {
        run.name
        for run in plan
        if all(axis in run.axes and text(run.axes[axis]) in values for axis, values in values_by_axis.items())
    }
    if not selected:
        raise UserError(f"--where must select a run, got {' '.join(conditions)}: no run has all these values")
    dependencies = {run.name: run.dependencies for run in plan}
    pending = list(selected)
    while pending:
        further = [name for name in dependencies[pending.pop()] if name not in selected]
        selected.update(further)
        pending += further
    return [run for run in plan if run.name in selected]
