"""A run's record and metrics, read again."""

import json

import pytest

from lit_prune.errors import UserError
from lit_prune.runs.recorded import is_number, number_of, read_metrics, read_record


def test_they_are_what_was_written(tmp_path):
    metrics = {
        "nli/id/accuracy": 0.9,
        "sparsity": 0.5,
        "denominator": "all",
        "round_1/sparsity": 0.1,
        "round_1/step": 3,
    }
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    assert read_metrics(tmp_path / "metrics.json", ["sparsity"]) == metrics


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "must have sparsity, got none"),
        ({"sparsity": None}, "sparsity must be a number, got None"),
        ({"sparsity": 0.5, "nli/id/accuracy": "x"}, "nli/id/accuracy must be a number"),
        ({"sparsity": 0.5, "denominator": {}}, "denominator must be a number"),
        ({"sparsity": 0.5, "round_1/sparsity": 0.1}, "must have round_1/step"),
    ],
)
def test_what_is_no_number_or_is_missing_is_named(tmp_path, content, message):
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        read_metrics(tmp_path / "metrics.json", ["sparsity"])


def test_numbers_are_those_that_a_float_can_hold():
    assert [is_number(each) for each in (1, 0.5, float("nan"), -(10**300))] == [True] * 4
    assert [is_number(each) for each in (True, "1", None, 10**400, float("inf"), [1])] == [False] * 6
    assert number_of({"a": 2}, "a") == 2
    assert number_of({"a": "2"}, "a") is None


def test_a_run_that_has_not_begun_has_an_empty_record_and_a_damaged_one_is_named(tmp_path):
    assert read_record(tmp_path) == {}
    (tmp_path / "run.json").write_text('{"status": "running"}')
    assert read_record(tmp_path) == {"status": "running"}
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(UserError, match=r"run.json must be valid JSON"):
        read_record(tmp_path)
