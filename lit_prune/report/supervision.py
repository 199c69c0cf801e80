"""The supervision of models beyond the labels of their training examples, as the runs recorded it."""

from collections.abc import Iterable

from lit_prune.report.run import Run

_RECORDED = {
    "result": "result",
    "by_worst_group": "result",
    "by_ood_validation": "result",
    "dense": "dense",
    "dense_shifted": "dense",
}
_TO_SELECT = {"by_worst_group": "groups to select", "by_ood_validation": "OOD rows to select"}


def supervision_text(runs: Iterable[Run], model: str) -> str | None:
    """Return the supervision of a model of some runs, such as `bias model, groups to select`, or `none`.

    None if no run recorded it, or for a model that is not trained.
    """
    recorded = [run.supervision[_RECORDED[model]] for run in runs if _RECORDED.get(model) in run.supervision]
    if not recorded:
        return None
    used = [*(each for names in recorded for each in names), _TO_SELECT.get(model)]
    return ", ".join(dict.fromkeys(each for each in used if each)) or "none"
