"""Tables: what stands in a cell, and what is not hidden."""

import json

import pytest
from records import numbers

from lit_prune.display.markup import Bold
from lit_prune.report.comparisons import compare, rank
from lit_prune.report.tables import (
    cell_label,
    differences_table,
    printed_table,
    ranks_table,
    results_table,
    spread_table,
)
from lit_prune.runs.evaluations import Evaluation, add_evaluation


def differences_of(results, settings):
    """The table of differences, as the report has it."""
    found = compare(results, settings.over, settings.metrics, settings.reference)
    return differences_table(results, settings, found)


def row_of(table, *names):
    (row,) = [row for row in table.rows if tuple(row[: len(names)]) == names]
    return dict(zip(table.header, row, strict=True))


def test_a_cell_shows_mean_and_deviation_of_each_model(grid):
    grid.add("mask-kl", numbers(0.9, 0.6) | {"dense/nli/ood/accuracy": 0.5}, run="mask", loss="kl", seed=1)
    table = results_table(*grid.read())
    id_title, ood_title = "nli accuracy, in distribution", "nli accuracy, out of distribution"
    assert table.header == ["run", "loss", "sparsity", "model", "seeds", "sparsity reached", id_title, ood_title]
    row = row_of(table, "mask", "poe", "70%", "result")
    assert (row["seeds"], row[ood_title]) == ("3", "0.690 ± 0.030")
    assert row_of(table, "mask", "kl", "-", "result")[ood_title] == "0.600"  # one seed
    dense = row_of(table, "mask", "kl", "-", "dense")
    assert (dense[id_title], dense[ood_title]) == ("-", "0.500")
    assert any("ddof 1" in note for note in table.notes)


def test_factors_have_a_row_before_they_are_trained(grid):
    grid.add("mask-svd", numbers(0.9, 0.6) | {"factorise/nli/ood/accuracy": 0.5}, run="mask", loss="kl", seed=1)
    row = row_of(results_table(*grid.read()), "mask", "kl", "-", "factorised, not trained")
    assert row["nli accuracy, out of distribution"] == "0.500"


def test_a_cell_without_a_complete_run_is_shown(grid):
    grid.add("late", status="failed", run="mask", loss="kl", sparsity=0.9, seed=1)
    row = row_of(results_table(*grid.read()), "mask", "kl", "90%", "result")
    assert (row["seeds"], row["nli accuracy, out of distribution"]) == ("0 of 1 (1 failed)", "-")


def test_a_single_seed_has_no_deviation_and_no_row_of_the_spread(study):
    study.add("a", numbers(0.9, 0.6), loss="ce", seed=1)
    study.add("b", None, status="failed", loss="ce", seed=2)
    results, settings = study.read()
    table = results_table(results, settings)
    assert table.rows == [["ce", "result", "1 of 2 (1 failed)", "50.0%", "0.900", "0.600"]]
    assert not table.notes
    assert not spread_table(results, settings).rows


def test_the_sparsity_of_each_model_is_shown_where_it_is_no_axis(study):
    for seed, sparsity in ((1, 0.49), (2, 0.51)):
        dense = {"dense/nli/id/accuracy": 0.95, "dense/sparsity": 0.0, "dense_shifted/nli/id/accuracy": 0.8}
        baseline = {"constant/nli/id/accuracy": 0.4}
        study.add(f"{seed}", numbers(0.9, 0.6) | dense | baseline | {"sparsity": sparsity}, seed=seed)
    results, settings = study.read()
    table = results_table(results, settings)
    models = ["result", "dense", "threshold-shifted dense", "constant-prediction baseline"]
    assert [row[0] for row in table.rows] == models
    assert [dict(zip(table.header, row, strict=True))["sparsity reached"] for row in table.rows] == [
        "50.0%",
        "0.0%",
        "0.0%",
        "-",
    ]
    study.define(metrics=["nli/id/accuracy", "sparsity"])
    assert "sparsity reached" not in results_table(*study.read()).header


def test_models_that_rounds_share_have_one_row(study):
    rounds = {f"round_1/{name}": value for name, value in (numbers(0.8, 0.5) | {"sparsity": 0.3, "step": 5}).items()}
    del rounds["round_1/denominator"]
    study.add("imp", numbers(0.9, 0.6) | rounds | {"dense/nli/id/accuracy": 0.95}, seed=1)
    table = results_table(*study.read())
    assert [row[:2] for row in table.rows] == [["30%", "result"], ["50%", "result"], ["50%", "dense"]]


def test_seeds_that_solve_the_task_are_counted(study):
    for seed, accuracy in enumerate((0.6, 0.95, 0.97, 0.5)):
        dense = {"dense/nli/ood/accuracy": 0.5} if seed else {}
        study.add(f"{seed}", numbers(0.9, accuracy, loss=1 - accuracy) | dense, seed=seed)
    study.add("late", status="failed", seed=4)
    study.define(solved={"metric": "nli/ood/accuracy", "threshold": 0.95})
    table = results_table(*study.read())
    assert row_of(table, "result")["solved"] == "2 of 4"
    assert row_of(table, "dense")["solved"] == "0 of 3"
    assert table.notes[-1] == "Solved: nli OOD accuracy of at least 0.95."
    study.define(solved={"metric": "nli/ood/loss", "threshold": 0.4})
    table = results_table(*study.read())
    assert row_of(table, "result")["solved"] == "3 of 4"
    assert row_of(table, "dense")["solved"] == "-"
    assert table.notes[-1] == "Solved: nli OOD loss of at most 0.4."


def test_a_label_names_a_cell_in_a_figure():
    assert cell_label(["experiment", "sparsity"], {"experiment": "imp", "sparsity": 0.5}) == "imp, sparsity 50%"
    assert cell_label(["loss", "sparsity"], {"loss": "ce"}) == "loss ce"
    assert len(cell_label(["experiment"], {"experiment": "x\0" * 400})) <= 48


def test_the_spread_of_each_metric_has_its_extremes(grid):
    row = row_of(spread_table(*grid.read()), "nli OOD accuracy", "mask", "ce", "50%", "result")
    figures = {"mean": "0.5900", "std (ddof 1)": "0.0200", "min": "0.5700", "max": "0.6100", "seeds": "3"}
    assert {name: row[name] for name in figures} == figures


def test_a_difference_has_its_interval_and_how_it_was_drawn(grid):
    grid.define(reference={"loss": "ce"})
    results, settings = grid.read()
    table = differences_of(results, settings)
    assert table.title == "Differences from loss ce"
    row = row_of(table, "mask", "poe", "50%", "nli OOD accuracy")
    assert row["difference"] == "+0.120"
    assert row["95% interval"] == "[+0.095, +0.145]"  # .01 / sqrt(3) times 4.303
    assert (row["over"], row["pairs"]) == ("seeds", "3")
    assert row_of(table, "mask", "poe", "50%", "nli ID accuracy")["95% interval"] == "[+0.000, +0.000]"
    assert "Intervals over seeds are Student's" in table.notes[0]


def test_an_interval_without_0_is_marked(study):
    for seed in range(3):
        for loss, accuracy in {"ce": 0.6, "poe": 0.7}.items():
            study.add(f"{loss}-{seed}", numbers(0.9 + seed / 100, accuracy + seed / 100), loss=loss, seed=seed)
    study.define(reference={"loss": "ce"}, metrics=["nli/ood/accuracy", "nli/id/accuracy"])
    ood, same = differences_of(*study.read()).rows
    assert (isinstance(ood[3], Bold), isinstance(same[3], Bold)) == (True, False)


def test_one_seed_has_no_interval(study):
    for loss, accuracy in {"ce": 0.6, "poe": 0.7}.items():
        study.add(loss, numbers(0.9, accuracy), loss=loss, seed=1)
    study.define(reference={"loss": "ce"}, metrics=["nli/ood/accuracy"])
    results, settings = study.read()
    assert differences_of(results, settings).rows == [["poe", "nli OOD accuracy", "+0.100", "-", "-", "1"]]


def test_ranks_have_a_column_for_each_method(grid):
    grid.define(rank="loss")
    results, settings = grid.read()
    row = row_of(ranks_table(results, settings, rank(results, settings)), "mask", "70%", "nli OOD accuracy")
    assert (row["ce"], row["poe"], row["seeds"]) == ("2.00", "1.00", "3")


def test_a_printed_value_stands_beside_ours(grid):
    printed = {"run": "mask", "loss": "poe", "metric": "nli/ood/accuracy", "value": 0.75, "source": "a paper, Fig. 2"}
    grid.add("late", run="mask", loss="poe", sparsity=0.5, seed=4)
    grid.define(printed=[printed | {"sparsity": 0.5}, printed | {"run": "dense", "value": 0.7}])
    table = printed_table(*grid.read())
    row = row_of(table, "mask", "poe", "50%", "result", "nli OOD accuracy")
    assert (row["printed"], row["ours"], row["ours - printed"]) == ("0.750", "0.710 ± 0.030", "-0.040")
    assert (row["seeds"], row["source"]) == ("3 of 4 (1 planned)", "a paper, Fig. 2")
    assert len(table.rows) == 2


@pytest.mark.parametrize("model", ["dense", "result"])
def test_a_printed_value_may_be_of_another_model(study, model):
    study.add("a", numbers(0.9, 0.6) | {"dense/nli/ood/accuracy": 0.5}, loss="ce", seed=1)
    printed = {"loss": "ce", "model": model, "metric": "nli/ood/accuracy", "value": 0.4, "source": "a paper"}
    study.define(printed=[printed])
    (row,) = printed_table(*study.read()).rows
    assert row[1] == model
    assert row[5] == {"dense": "+0.100", "result": "+0.200"}[model]


def test_results_of_other_selection_rules_have_rows_and_all_models_their_supervision(study):
    place = study.add("a", numbers(0.9, 0.6) | {"dense/nli/id/accuracy": 0.95}, loss="poe", seed=1)
    record = json.loads((place / "run.json").read_text())
    supervision = {"dense": [], "result": ["bias model"]}
    (place / "run.json").write_text(json.dumps(record | {"selection": {"nli": "auroc"}, "supervision": supervision}))
    worst = {10: 0.1, 20: 0.4, 30: 0.2}
    for step, value in worst.items():
        metrics = {"nli/validation/worst_group_accuracy": value, "nli/ood/accuracy": step / 100}
        add_evaluation(place, Evaluation("mask", step, True, 0.5, metrics))
    table = results_table(*study.read())
    assert table.header[:4] == ["loss", "model", "supervision", "seeds"]
    of_model = {row[1]: row for row in table.rows}
    rule = "result, by worst group"
    assert {model: row[2] for model, row in of_model.items()} == {
        "result": "bias model",
        rule: "bias model, groups to select",
        "dense": "none",
    }
    assert of_model[rule][-1] == "0.200"
    assert of_model["result"][-1] == "0.600"
