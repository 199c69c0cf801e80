"""Runs of several rounds are points of a curve."""

import pytest
from records import Study

METRICS = {
    "dense/nli/id/accuracy": 0.9,
    "dense/sparsity": 0.0,
    "round_1/nli/id/accuracy": 0.8,
    "round_1/sparsity": 0.2999,
    "round_1/step": 30,
    "nli/id/accuracy": 0.7,
    "sparsity": 0.6,
    "steps": 50,
    "seed": 1,
}


def test_each_round_has_the_axis_sparsity_and_its_own_numbers(tmp_path):
    study = Study(tmp_path)
    study.add("imp", METRICS, run="imp", seed=1)
    study.add("dense", {"nli/id/accuracy": 0.9, "sparsity": 0.0}, run="dense", seed=1)
    results, _ = study.read()
    assert set(results.axes) == {"run", "seed", "sparsity"}
    places = {run.name: number for number, run in enumerate(results.runs)}
    assert set(places) == {"imp", "imp/round_1", "dense"}
    first, last = places["imp/round_1"], places["imp"]
    assert [results.runs[number].axes["sparsity"] for number in (first, last)] == [0.3, 0.6]
    for model, name, values in [("result", "nli/id/accuracy", (0.8, 0.7)), ("result", "steps", (30, 50))]:
        assert tuple(results.column(model, name)[[first, last]]) == values
    assert results.column("dense", "nli/id/accuracy")[[first, last]] == pytest.approx([0.9, 0.9])
    assert results.runs[first].files == "round_1_"


def test_a_ticket_stays_one_run(tmp_path):
    study = Study(tmp_path)
    study.add("ticket", METRICS | {"round_1/sparsity": 0.6}, seed=1)
    results, _ = study.read()
    assert [run.name for run in results.runs] == ["ticket"]
    assert results.column("round_1", "nli/id/accuracy").tolist() == [0.8]
