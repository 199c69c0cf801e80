"""What a run left behind, and what is damaged of it."""

import json

import pytest

from lit_prune.runs.outcome import read_outcome, read_record
from lit_prune.runs.recorded import number_of

METRICS = {"nli/id/accuracy": 0.9, "sparsity": 0.5, "denominator": "all", "parameter_density": None}


@pytest.mark.parametrize("metrics", [None, METRICS])
def test_a_run_is_complete_when_its_metrics_are_there(tmp_path, metrics):
    (tmp_path / "run.json").write_text(json.dumps({"seconds": 2, "axes": {"seed": 1}}))
    if metrics is not None:
        (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    found = read_outcome(tmp_path)
    assert (found.metrics, found.damage) == (metrics, None)
    assert number_of(found.record, "seconds") == 2


def test_a_run_that_has_not_begun_has_nothing(tmp_path):
    found = read_outcome(tmp_path)
    assert (found.record, found.metrics, found.damage) == ({}, None, None)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("run.json", "{", "run.json must be valid JSON"),
        ("run.json", '{"seconds": "2"}', "seconds must be a number, got '2'"),
        ("run.json", '{"started": [1]}', "started must be a number, got [1]"),
        ("metrics.json", "[]", "metrics.json must contain a JSON object"),
        ("metrics.json", '{"nli/id/accuracy": "high"}', "nli/id/accuracy must be a number, got 'high'"),
        ("metrics.json", '{"nli/id/accuracy": true}', "nli/id/accuracy must be a number"),
        ("metrics.json", '{"sparsity": null}', "sparsity must be a number"),
        ("metrics.json", '{"denominator": [1]}', "denominator must be a number"),
        ("metrics.json", '{"steps": 1' + "0" * 400 + "}", "steps must be a number"),
        ("metrics.json", '{"sparsity": Infinity}', "sparsity must be a number"),
        ("metrics.json", '{"round_1/nli/id/accuracy": 0.9, "round_1/step": 1}', "must have"),
        ("metrics.json", "[" * 100_000, "metrics.json must be valid JSON"),
    ],
)
def test_a_damaged_file_is_told_and_nothing_else_is_known(tmp_path, file, content, message):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / file).write_text(content)
    found = read_outcome(tmp_path)
    assert (found.record, found.metrics) == ({}, None)
    assert message in found.damage


def test_a_damaged_record_is_as_none(tmp_path):
    (tmp_path / "run.json").write_text("{")
    assert read_record(tmp_path) == {}
    assert number_of({"seconds": "2"}, "seconds") is None
