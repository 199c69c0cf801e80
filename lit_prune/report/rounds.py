"""Rounds of iterative pruning as separate runs, points of a curve over sparsity."""

import re
from dataclasses import replace

from lit_prune.report.run import Run

ROUNDS_AXIS = "sparsity"  # of the runs of rounds

_ROUND = re.compile(r"(round_\d+)/(.+)")


def split_rounds(run: Run, numbers: dict[str, float]) -> list[tuple[Run, dict[str, float]]]:
    """Split a run with evaluated rounds into one run per round and one for the result.

    The run of a round has the axis `sparsity`, the numbers of the round and those that all rounds share. A run that
    ends at the sparsity of a round, such as a lottery ticket, is not split.

    Args:
        run: The run.
        numbers: The content of its `metrics.json`.
    """
    rounds: dict[str, dict[str, float]] = {}
    common = {}
    for name, value in numbers.items():
        if found := _ROUND.fullmatch(name):
            rounds.setdefault(found[1], {})[found[2]] = value
        else:
            common[name] = value
    sparsities = {values["sparsity"] for values in rounds.values()}
    if not rounds or common["sparsity"] in sparsities:
        return [(run, numbers)]
    prefixes = ("dense/", "bias/", "teacher/")
    shared = {name: value for name, value in common.items() if name == "seed" or name.startswith(prefixes)}
    split = [
        (
            replace(
                run, name=f"{run.name}/{name}", files=f"{name}_", seconds=None, axes=_axes(run, values["sparsity"])
            ),
            shared | values | {"density": 1 - values["sparsity"], "steps": values["step"]},
        )
        for name, values in rounds.items()
    ]
    return [*split, (replace(run, axes=_axes(run, common["sparsity"])), common)]


def _axes(run: Run, sparsity: float) -> dict[str, str | int | float]:
    return {**run.axes, ROUNDS_AXIS: round(sparsity, 3)}
