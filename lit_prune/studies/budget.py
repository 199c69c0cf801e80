"""The effort that a study grants each method: optimizer steps of a run, and tried values of a tuned axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from lit_prune.errors import UserError
from lit_prune.studies.standing import Standing
from lit_prune.studies.study import Study, text

_KEYS = ("steps", "trials")


@dataclass(frozen=True)
class Budget:
    """An equal effort for all kinds of runs.

    Args:
        steps: Optimizer steps of a run, with those of the runs that it starts from. None for any number.
        trials: Values that each kind tries of its tuned axis. None for any number.
    """

    steps: int | None = None
    trials: int | None = None


def read_budget(study: Study) -> Budget:
    """Return the budget that a study's yaml declares.

    Raises:
        UserError: A key is unknown, or a value is no number.
    """
    declared = study.source.get("budget") or {}
    if not isinstance(declared, Mapping) or (unknown := [key for key in declared if key not in _KEYS]):
        got = declared if not isinstance(declared, Mapping) else unknown[0]
        raise UserError(f"unknown key {got!r} of budget: choose from {', '.join(_KEYS)}")
    for key, value in declared.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UserError(f"budget.{key} must be a whole number from 1, got {value!r}: correct it")
    return Budget(**declared)


def check_budget(study: Study, standings: Mapping[str, Standing]) -> None:
    """Check that every run has the declared steps, and every kind the declared trials.

    Args:
        study: The study.
        standings: All its runs by name.

    Raises:
        UserError: One has others.
    """
    budget = read_budget(study)
    if budget.trials is not None:
        for name in study.kinds:
            if (num := len(_tried(study, name))) != budget.trials:
                raise UserError(
                    f"runs.{name} must try {budget.trials} values of a tuned axis (budget.trials), got {num}: correct "
                    "its `tune`, or the values of the axis"
                )
    if budget.steps is not None:
        starts = {kind.start_from for kind in study.kinds.values()}
        for standing in standings.values():
            steps = _total_steps(standing, standings)
            if standing.run.kind not in starts and steps != budget.steps:
                raise UserError(
                    f"{standing.run.name} must take {budget.steps} optimizer steps (budget.steps), with the runs that "
                    f"it starts from, got {'an unknown number' if steps is None else steps}: set the `length` of each "
                    "of its phases in steps"
                )


def efforts_table(study: Study, standings: Sequence[Standing]) -> Table | None:
    """Return a table of the steps and the tuned values of each kind, None if no kind tunes anything.

    Args:
        study: The study.
        standings: Its selected runs.
    """
    if not any(kind.tune for kind in study.kinds.values()):
        return None
    table = Table("runs", "steps", "tuned", "values tried", "at")
    for name, kind in study.kinds.items():
        own = {each.steps for each in standings if each.run.kind == name}
        if not own:
            continue
        steps = " or ".join("?" if each is None else f"{each:,}" for each in sorted(own, key=lambda each: each or 0))
        axis, where = (kind.tune.axis, kind.tune.where) if kind.tune else ("", {})
        at = ", ".join(f"{key} {' '.join(map(text, values))}" for key, values in where.items())
        table.add_row(name, steps, axis, Text(", ".join(map(text, _tried(study, name)))), at)
    return table


def _tried(study: Study, name: str) -> list[object]:
    """Return the values that a kind tries of its tuned axis, none if it tunes nothing."""
    kind = study.kinds[name]
    return [] if kind.tune is None else list(kind.where.get(kind.tune.axis, study.axes[kind.tune.axis]))


def _total_steps(standing: Standing, standings: Mapping[str, Standing]) -> int | None:
    own, ancestor = standing.steps, standing.run.ancestor
    if ancestor is None or own is None:
        return own
    earlier = _total_steps(standings[ancestor], standings)
    return None if earlier is None else own + earlier
