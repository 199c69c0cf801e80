"""Supervision of a run beyond the labels of its training examples: bias models, groups, and OOD rows."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lit_prune.data.groups import GROUP
from lit_prune.runs.checkpoints import BEST
from lit_prune.runs.outcome import read_record

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

_BIAS, _GROUPS, _OOD = _ALL = ("bias model", "groups", "OOD rows")


def supervision(run: "Paradigm") -> dict[str, list[str]]:
    """Return the supervision that training used: of the `result`, and of the `dense` model if that is another.

    Args:
        run: The run, with its phases laid out and its data read.
    """
    found = _of_start(run.start.path)
    groups = _BIAS if run.data.groups == "bias" else _GROUPS  # which the bias model's predictions may form
    of_fields = {"bias": _BIAS, "groups": groups, GROUP: groups}
    by_phase = {}
    for name in run.phases:
        start, end = run.phases.span(name)
        if start < end:
            losses = [run.phases[name].loss.for_task(task.loss) for task in run.tasks.values()]
            found |= _of_teacher(run) if any(loss.has_teacher for loss in losses) else set()
            fields = [*(field for loss in losses for field in loss.needs), *_sampled_by(run)]
            found |= {of_fields[field] for field in fields if field in of_fields}
            found |= {_OOD} if _trains_on_ood(run) else set()
        by_phase[run.phases.label(name)] = _ordered(found)
    result = by_phase[run.phases.label(run.phases.last)]
    return {"result": result} if len(by_phase) == 1 else {"dense": by_phase["dense"], "result": result}


def _sampled_by(run: "Paradigm") -> list[str]:
    """Return the column of the training sets that examples are drawn by, if any."""
    return [] if run.data.sampling is None else [run.data.sampling.column]


def _trains_on_ood(run: "Paradigm") -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of missing sets, which reading them has warned of
        return any("ood_train" in task.source.available(run.data.preparation.root) for task in run.tasks.values())


def _of_teacher(run: "Paradigm") -> set[str]:
    return set() if run.taught_by is None or run.taught_by.is_folder else _of_start(run.taught_by.path)


def _of_start(checkpoint: Path | None) -> set[str]:
    """Return the supervision of the model that a run starts from or is taught by; none if its record has none."""
    if checkpoint is None:
        return set()
    recorded = read_record(checkpoint.parent.parent).get("supervision")
    by_model = recorded if isinstance(recorded, dict) else {}
    result = by_model.get("result", [])
    found = result if checkpoint.name == BEST else by_model.get("dense", result)
    return set(_ALL) & set(found if isinstance(found, list) else ())


def _ordered(found: Iterable[str]) -> list[str]:
    return sorted(found, key=_ALL.index)
