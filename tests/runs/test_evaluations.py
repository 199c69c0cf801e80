"""All evaluations of a run, in its folder."""

import json
from dataclasses import replace

import pytest

from lit_prune.errors import UserError
from lit_prune.runs.evaluations import FILE, Evaluation, add_evaluation, at_final_sparsity, read_evaluations

NAN = float("nan")


def evaluation(step, accuracy=0.5, phase="mask"):
    return Evaluation(phase, step, True, 0.5, {"nli/id/accuracy": accuracy})


def test_they_are_added_in_their_order(tmp_path):
    assert read_evaluations(tmp_path) == []
    added = [evaluation(10, phase="dense"), evaluation(20), evaluation(30)]
    for each in added:
        add_evaluation(tmp_path, each)
    assert read_evaluations(tmp_path) == added
    assert FILE in json.loads((tmp_path / "checksums.json").read_text())


def test_a_resumed_run_replaces_the_evaluations_that_it_repeats(tmp_path):
    for step in (10, 20, 30):
        add_evaluation(tmp_path, evaluation(step))
    add_evaluation(tmp_path, evaluation(20, 0.7))
    assert read_evaluations(tmp_path) == [evaluation(10), evaluation(20, 0.7)]


def test_an_undefined_metric_is_left_out(tmp_path):
    add_evaluation(tmp_path, Evaluation("mask", 1, False, 0.0, {"sts/id/pearson": NAN, "sts/id/loss": 1.0}))
    assert read_evaluations(tmp_path)[0].metrics == {"sts/id/loss": 1.0}
    json.loads((tmp_path / FILE).read_text(), parse_constant=pytest.fail)


ROW = {"phase": "mask", "step": 1, "eligible": True, "sparsity": 0.5, "metrics": {"nli/id/accuracy": 0.5}}


WRONG = [{"step": "1"}, {"eligible": 1}, {"metrics": {"a": "x"}}, {"more": 1}, {"step": None}]


@pytest.mark.parametrize("wrong", [*WRONG, {"seconds": "1"}, {"peak_memory": float("inf")}])
def test_another_content_is_refused(tmp_path, wrong):
    (tmp_path / FILE).write_text(json.dumps([ROW]))
    assert read_evaluations(tmp_path) == [Evaluation(**ROW)]
    (tmp_path / FILE).write_text(json.dumps([ROW | wrong]))
    with pytest.raises(UserError, match=r"evaluations\.json must have evaluations, got another entry"):
        read_evaluations(tmp_path)


def test_costs_are_read_again(tmp_path):
    added = [replace(evaluation(step), seconds=step / 2, peak_memory=10**9) for step in (10, 20)]
    for each in added:
        add_evaluation(tmp_path, each)
    assert read_evaluations(tmp_path) == added


def test_the_final_sparsity_is_that_of_the_last_one():
    made = [replace(evaluation(step), sparsity=sparsity) for step, sparsity in ((1, 0.0), (2, 0.899), (3, 0.9))]
    assert at_final_sparsity(made) == made[1:]
    assert at_final_sparsity([]) == []


def test_a_damaged_file_is_named(tmp_path):
    add_evaluation(tmp_path, evaluation(1))
    path = tmp_path / FILE
    path.write_text(path.read_text().replace("0.5", "0.6"))
    with pytest.raises(UserError, match=r"evaluations\.json must have a SHA-256"):
        read_evaluations(tmp_path)
