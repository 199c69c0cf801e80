"""Selection rules: the models of a run that rules other than its own would have selected."""

import math
from collections.abc import Mapping, Sequence

from lit_prune.runs.evaluations import Evaluation

# The set and the metric of each rule. None is the task's own selection metric.
_RULES: Mapping[str, tuple[str, str | None]] = {
    "by_worst_group": ("validation", "worst_group_accuracy"),
    "by_ood_validation": ("validation_ood", None),
}


def numbers_by_rule(evaluations: Sequence[Evaluation], selection: Mapping[str, str]) -> dict[str, float]:
    """Return the numbers of the model that each rule selects, under the rule's name: `<rule>/<name>`.

    A rule selects as the run does, among the eligible models of the last phase the first of the best, by another metric
    (the mean over the tasks). Of a task without a `validation` set that is the metric on `id`, as in the run itself. A
    rule whose metric the run did not compute selects none.

    Args:
        evaluations: All evaluations of a complete run.
        selection: The selection metric of each task.
    """
    eligible = [each for each in evaluations if each.eligible and each.phase == evaluations[-1].phase]
    found: dict[str, float] = {}
    for rule in _RULES:
        scored = [(score, each) for each in eligible if math.isfinite(score := _score(rule, each, selection))]
        if scored:
            _, best = max(scored, key=lambda pair: pair[0])
            numbers = {**best.metrics, "sparsity": best.sparsity, "step": best.step}
            found |= {f"{rule}/{name}": value for name, value in numbers.items()}
    return found


def _score(rule: str, evaluation: Evaluation, selection: Mapping[str, str]) -> float:
    wanted, own = _RULES[rule]
    scores = []
    for task, metric in selection.items():
        has_validation = any(name.startswith(f"{task}/validation/") for name in evaluation.metrics)
        split = "id" if wanted == "validation" and not has_validation else wanted
        scores.append(evaluation.metrics.get(f"{task}/{split}/{own or metric}", math.nan))
    return sum(scores) / len(scores) if scores else math.nan
