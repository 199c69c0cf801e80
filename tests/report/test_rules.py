"""What other selection rules would have selected."""

from dataclasses import replace

import pytest

from lit_prune.report.rules import numbers_by_rule
from lit_prune.runs.evaluations import Evaluation

SELECTION = {"nli": "auroc"}


def evaluation(step, worst, ood_validation=None, ood=0.0, **further):
    metrics = {"nli/validation/worst_group_accuracy": worst, "nli/ood/accuracy": ood}
    if ood_validation is not None:
        metrics["nli/validation_ood/auroc"] = ood_validation
    return Evaluation("mask", step, True, 0.5 + step / 1000, metrics | further)


RUN = [
    replace(evaluation(10, 1.0, 1.0), phase="dense"),
    evaluation(20, 0.3, 0.9, 0.2),
    evaluation(30, 0.6, 0.5, 0.3),
    evaluation(40, 0.6, 0.5, 0.4),
    replace(evaluation(50, 0.8, 0.95), eligible=False),
]


def test_each_rule_selects_the_first_of_the_best_eligible_models_of_the_last_phase():
    numbers = numbers_by_rule(RUN, SELECTION)
    assert (numbers["by_worst_group/step"], numbers["by_worst_group/nli/ood/accuracy"]) == (30, 0.3)
    assert numbers["by_worst_group/sparsity"] == pytest.approx(0.53)
    assert (numbers["by_ood_validation/step"], numbers["by_ood_validation/nli/ood/accuracy"]) == (20, 0.2)


def test_without_a_validation_cut_the_worst_group_is_that_of_id():
    of_id = [Evaluation("mask", step, True, 0.5, {"nli/id/worst_group_accuracy": 1 / step}) for step in (4, 2, 8)]
    assert numbers_by_rule(of_id, SELECTION)["by_worst_group/step"] == 2


def test_the_id_test_set_never_stands_in_for_groups_that_are_too_small():
    metrics = {"nli/validation/auroc": 0.5, "nli/id/worst_group_accuracy": 0.5}
    assert numbers_by_rule([Evaluation("mask", 1, True, 0.5, metrics)], SELECTION) == {}


def test_a_rule_without_its_metric_selects_none():
    assert not [name for name in numbers_by_rule([evaluation(1, 0.5)], SELECTION) if name.startswith("by_ood")]
    assert numbers_by_rule([], SELECTION) == {}
    assert numbers_by_rule(RUN, {}) == {}


def test_of_several_tasks_the_mean_selects():
    tasks = {"nli": "auroc", "qqp": "f1"}
    run = [
        evaluation(step, worst, **{"qqp/id/worst_group_accuracy": other})
        for step, worst, other in [(1, 0.9, 0.1), (2, 0.6, 0.6), (3, 0.1, 0.9)]
    ]
    assert numbers_by_rule(run, tasks)["by_worst_group/step"] == 2
    assert numbers_by_rule(run, {**tasks, "sts": "pearson"}) == {}  # which has no classes
