"""The best model of each phase: by the metric, among those that may be selected."""

import math
from types import SimpleNamespace

import pytest

from lit_prune.paradigms import selection as module
from lit_prune.paradigms.selection import Selection
from lit_prune.runs.evaluations import Evaluation


@pytest.fixture
def evaluate(monkeypatch):
    """A function: a metric, a step and whether the model is eligible -> the value that selects."""
    selection = Selection()

    def finish(value, step, eligible=True, phase="mask"):
        monkeypatch.setattr(module, "mean_selection", lambda values, tasks: value)
        current = SimpleNamespace(is_eligible=lambda run: eligible, record=lambda run: {"own": step})
        run = SimpleNamespace(
            tasks={"a": None},
            data=SimpleNamespace(selecting={"a": None}),
            phase=phase,
            phases=SimpleNamespace(current=current, label=lambda name: f"label of {name}"),
            trainer=SimpleNamespace(global_step=step),
            counts=dict,
            teacher=None,
            sum_processes=lambda own: own,
        )
        monkeypatch.setattr(module, "macro_average", lambda values, tasks: {})
        return selection.finish(run)

    finish.of = selection
    return finish


def test_the_best_eligible_model_is_kept(evaluate):
    assert evaluate(0.6, 1) == 0.6
    assert evaluate.of.improved
    assert evaluate(0.6, 2) == 0.6
    assert not evaluate.of.improved  # the first of equals
    assert math.isnan(evaluate(0.9, 3, eligible=False))
    assert not evaluate.of.improved
    evaluate(0.7, 4)
    assert evaluate.of.best == {
        "mask": {"selection": 0.7, "step": 4, "sparsity": 0.0, "own": 4, "metrics": {}},
    }


def test_every_evaluation_has_its_record(evaluate):
    evaluate(0.6, 1)
    assert evaluate.of.evaluation == Evaluation("label of mask", 1, True, 0.0, {})
    evaluate(0.9, 3, eligible=False)
    assert evaluate.of.evaluation == Evaluation("label of mask", 3, False, 0.0, {})


def test_each_phase_has_its_best(evaluate):
    evaluate(0.9, 1, phase="dense")
    evaluate(0.5, 2)
    assert {phase: each["step"] for phase, each in evaluate.of.best.items()} == {"dense": 1, "mask": 2}
