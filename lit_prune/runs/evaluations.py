"""`evaluations.json`: all evaluations of a run, also those of models that were not selected."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.files import read_json, write_json, write_recorded
from lit_prune.runs.recorded import is_number

FILE = "evaluations.json"


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of a run.

    Attributes:
        phase: The phase; the first of a run is `dense`.
        step: Optimizer steps so far.
        eligible: True if the model could be selected.
        sparsity: Sparsity of the model.
        metrics: `<task>/<split>/<metric>`, without undefined ones.
        seconds: Seconds of training until then. None if not recorded.
        peak_memory: Peak memory until then in bytes. None if not recorded, or the system does not measure it.
    """

    phase: str
    step: int
    eligible: bool
    sparsity: float
    metrics: Mapping[str, float]
    seconds: float | None = None
    peak_memory: int | None = None


def add_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Add an evaluation to those of a run; it replaces later ones, which a resumed run repeats.

    Raises:
        UserError: The file of the earlier ones is damaged.
    """
    known = [each for each in read_evaluations(folder) if each.step < evaluation.step]
    defined = {name: value for name, value in evaluation.metrics.items() if math.isfinite(value)}
    rows = [*map(asdict, known), asdict(evaluation) | {"metrics": defined}]
    write_json(rows, folder / FILE, write_recorded)


def read_evaluations(folder: Path) -> list[Evaluation]:
    """Return the evaluations of a run in the order of their steps; none if it has no such file.

    Raises:
        UserError: The file is damaged.
    """
    path = folder / FILE
    rows = read_json(path, list) if path.is_file() or path.is_symlink() else []
    if not all(map(_is_evaluation, rows)):
        raise UserError(f"{path} must have evaluations, got another entry: restore the file, or run it again")
    return [Evaluation(**row) for row in rows]


def at_final_sparsity(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Return the evaluations with the sparsity of the last one."""
    return [each for each in evaluations if abs(each.sparsity - evaluations[-1].sparsity) < _SAME]


_SAME = 0.005  # sparsities that differ by less are the same
_COSTS = {"seconds", "peak_memory"}  # which earlier versions did not record
_TYPES = {"phase": str, "step": int, "eligible": bool, "metrics": dict}


def _is_evaluation(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and row.keys() - _COSTS == {*_TYPES, "sparsity"}
        and all(isinstance(row[name], kind) for name, kind in _TYPES.items())
        and is_number(row["step"])
        and all(map(is_number, [row["sparsity"], *row["metrics"].values()]))
        and all(row.get(name) is None or is_number(row[name]) for name in _COSTS)
    )
