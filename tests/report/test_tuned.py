"""Values that were tried, and the one that is shown."""

import numpy as np
import pytest

from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.report.tuned import select_tuned

# Method, learning rate -> accuracy on validation and on id of two seeds.
TRIED = {
    ("sam", 0.1): ((0.6, 0.8), (0.5, 0.5)),
    ("sam", 0.2): ((0.8, 0.9), (0.4, 0.4)),  # better where it chooses, worse where it is reported
    ("full", 0.1): ((0.7, 0.7), (0.6, 0.6)),
    ("full", 0.2): ((0.7, 0.6), (0.9, 0.9)),
}


@pytest.fixture
def tried(study):
    for (method, rate), (validation, reported) in TRIED.items():
        for seed in (1, 2):
            chosen_by = {name: validation[seed - 1] for name in ("selection", "t/validation/accuracy")}
            values = {**chosen_by, "t/id/accuracy": reported[seed - 1]}
            study.add(f"{method}-{rate}-{seed}", values, method=method, learning_rate=rate, seed=seed)
    study.define(metrics=["t/id/accuracy"], tuned="learning_rate")
    return study


def test_validation_chooses_and_what_is_reported_does_not(tried):
    results, (table,) = select_tuned(*tried.read())
    assert results.axes == ("method", "seed")
    assert [(run.axes["method"], run.axes["seed"]) for run in results.runs] == [
        ("full", 1),
        ("full", 2),
        ("sam", 1),
        ("sam", 2),
    ]
    np.testing.assert_allclose(results.column("result", "t/id/accuracy"), [0.6, 0.6, 0.4, 0.4])
    assert table.rows == [["full", "0.1", "0.1: 0.700, 0.2: 0.650"], ["sam", "0.2", "0.1: 0.700, 0.2: 0.850"]]


def test_a_value_whose_runs_are_not_there_is_not_chosen(tried):
    tried.add("sam-0.3-1", None, status="failed", method="sam", learning_rate=0.3, seed=1)
    _, (table,) = select_tuned(*tried.read())
    assert table.rows[1] == ["sam", "0.2", "0.1: 0.700, 0.2: 0.850, 0.3: -"]


def test_values_are_compared_over_the_seeds_that_all_have(tried):
    for seed, accuracy in ((3, 0.1), (4, 0.1)):  # the best, run on with further seeds
        values = {"selection": accuracy, "t/id/accuracy": 0.4}
        tried.add(f"sam-0.2-{seed}", values, method="sam", learning_rate=0.2, seed=seed)
    results, (table,) = select_tuned(*tried.read())
    assert table.rows[1] == ["sam", "0.2", "0.1: 0.700, 0.2: 0.850"]
    assert [run.axes["seed"] for run in results.runs] == [1, 2, 1, 2, 3, 4]


def test_without_a_tuned_axis_all_is_as_it_was(tried):
    tried.define(metrics=["t/id/accuracy"])
    results, settings = tried.read()
    assert select_tuned(results, settings)[0] is results
    assert select_tuned(results, settings)[1] == []


def test_methods_may_have_tuned_axes_of_their_own(study):
    for seed in (1, 2):
        for rate, validation in ((0.1, 0.6), (0.2, 0.7)):
            values = {"selection": validation, "t/validation/accuracy": validation, "t/id/accuracy": rate}
            study.add(f"a-{rate}-{seed}", values, method="a", rate=rate, seed=seed)
            values = {"selection": -validation, "t/validation/accuracy": -validation, "t/id/accuracy": rate}
            study.add(f"b-{rate}-{seed}", values, method="b", score_rate=rate, seed=seed)
        study.add(f"c-{seed}", {"selection": 0.1, "t/id/accuracy": 0.3}, method="c", seed=seed)
    study.define(metrics=["t/id/accuracy"], tuned=["rate", "score_rate"])
    results, tables = select_tuned(*study.read())
    assert results.axes == ("method", "seed")
    found = {(run.axes["method"], run.axes["seed"]): number for number, run in enumerate(results.runs)}
    assert found.keys() == {(method, seed) for method in "abc" for seed in (1, 2)}
    accuracies = results.column("result", "t/id/accuracy")
    expected = {"a": 0.2, "b": 0.1, "c": 0.3}
    assert {key: accuracies[number] for key, number in found.items()} == {key: expected[key[0]] for key in found}
    assert [table.title for table in tables] == ["Tuned: rate", "Tuned: score_rate"]
    assert [table.header for table in tables] == [["method", "rate", "tried"], ["method", "score_rate", "tried"]]
    assert [row[-1] for table in tables for row in table.rows] == ["0.1: 0.600, 0.2: 0.700", "0.1: -0.600, 0.2: -0.700"]


def test_without_validation_nothing_can_be_chosen(grid):
    grid.define(metrics=["nli/ood/accuracy"], tuned="sparsity")
    with pytest.raises(UserError, match=r"report\.tuned must have runs selected on validation, got none"):
        select_tuned(*grid.read())


def test_the_report_tells_what_was_tried(tried, capsys):
    assert main(["report", str(tried.folder)]) == 0
    text = (tried.folder / "report.md").read_text()
    assert "## Tuned: learning_rate" in text
    assert "| sam | 0.2 | 0.1: 0.700, 0.2: 0.850 |" in text
    assert (tried.folder / "results.csv").read_text().count("t/id") == 0  # task and split have columns of their own
    assert (tried.folder / "results.csv").read_text().count("validation") == 8  # of all that were tried
