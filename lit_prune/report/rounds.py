"""Runs that prune in rounds, taken apart: each round is a point of a curve against sparsity."""

import re
from dataclasses import replace

from lit_prune.report.run import Run

_ROUND = re.compile(r"(round_\d+)/(.+)")


def take_apart(run: Run, numbers: dict[str, float]) -> list[tuple[Run, dict[str, float]]]:
    """A run and its numbers, or one of each for every round that it was evaluated after.

    A round's run has the axis `sparsity`, and the run's numbers but for those of other rounds. A run that goes on after
    its rounds, as a lottery ticket does, stays whole.

    Args:
        run: The run.
        numbers: Its `metrics.json`.
    """
    rounds: dict[str, dict[str, float]] = {}
    common = {}
    for name, value in numbers.items():
        if found := _ROUND.fullmatch(name):
            rounds.setdefault(found[1], {})[found[2]] = value
        else:
            common[name] = value
    sparsities = {own["sparsity"] for own in rounds.values()}
    if not rounds or common["sparsity"] in sparsities:
        return [(run, numbers)]
    of_all = ("dense/", "bias/", "teacher/")
    shared = {name: value for name, value in common.items() if name == "seed" or name.startswith(of_all)}
    apart = [
        (
            replace(run, name=f"{run.name}/{name}", files=f"{name}_", seconds=None, axes=_at(run, own["sparsity"])),
            shared | own | {"density": 1 - own["sparsity"], "steps": own["step"]},
        )
        for name, own in rounds.items()
    ]
    return [*apart, (replace(run, axes=_at(run, common["sparsity"])), common)]


def _at(run: Run, sparsity: float) -> dict[str, str | int | float]:
    return {**run.axes, "sparsity": round(sparsity, 3)}
