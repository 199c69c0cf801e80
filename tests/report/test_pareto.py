"""Settings that no other dominates."""

import json

import numpy as np
import pytest
from records import numbers

from lit_prune.errors import UserError
from lit_prune.report.pareto import pareto_table, weigh
from lit_prune.report.tables import cell_axes

GOALS = {"sparsity": "max", "nli/id/accuracy": "max"}


def add(study, name, accuracy, sparsity, **axes):
    return study.add(name, numbers(accuracy, 0.6) | {"sparsity": sparsity}, **axes)


def table(study, goals):
    results, settings = study.read()
    return pareto_table(weigh(results, goals, settings.over), cell_axes(results, settings), settings.over)


def test_settings_are_means_over_seeds_and_the_best_by_the_first_number_is_first(study):
    for seed, gain in ((1, -0.1), (2, 0.1)):  # by itself seed 2 of b dominates a
        add(study, f"a-{seed}", 0.8, 0.5, method="a", seed=seed)
        add(study, f"b-{seed}", 0.75 + gain, 0.5, method="b", seed=seed)
        add(study, f"c-{seed}", 0.7, 0.9, method="c", seed=seed)
    found = table(study, GOALS)
    assert found.header == ["method", "seeds", "sparsity (max)", "nli ID accuracy (max)"]
    assert found.rows == [["c", "2", "0.9", "0.7"], ["a", "2", "0.5", "0.8"]]
    assert found.notes[0].startswith("Means over seeds. 1 of 3 settings are dominated")
    assert len(found.notes) == 1
    (row,) = table(study, {"sparsity": "min", "nli/id/accuracy": "max"}).rows
    assert row[0] == "a"


@pytest.mark.parametrize("seed", range(3))
def test_settings_are_those_of_the_definition(study, seed):
    values = np.random.default_rng(seed).integers(1, 5, size=(12, 3)) / 8
    for number, (accuracy, auroc, sparsity) in enumerate(values.tolist()):
        metrics = numbers(accuracy, 0.6, auroc=auroc) | {"sparsity": sparsity}
        study.add(f"run-{number}", metrics, method=f"m{number:02}", seed=1)
    rows = table(study, {"nli/id/accuracy": "max", "nli/ood/auroc": "min", "sparsity": "max"}).rows
    gains = values * [1, -1, 1]
    wanted = {
        f"m{number:02}"
        for number, mine in enumerate(gains)
        if not any((other >= mine).all() and (other > mine).any() for other in gains)
    }
    assert {row[0] for row in rows} == wanted


def test_runs_that_lack_a_number_are_left_out_and_counted(study):
    for name, seconds in {"a": 0.00214, "b": None, "c": 0.1}.items():
        place = add(study, name, 0.8, 0.5, method=name, seed=1)
        if seconds:
            speed = {"lowrank_fp32_seconds": seconds, "lowrank_fp32_bytes": 22_345_678, "device": "cpu"}
            (place / "speed.json").write_text(json.dumps(speed))
    study.add("late", method="d", seed=1)
    found = table(study, {"lowrank_fp32_seconds": "min", "lowrank_fp32_bytes": "min"})
    assert found.rows == [["a", "1", "0.00214", "22,345,678"]]
    assert found.notes[1] == "1 complete runs without one of the numbers are left out."


def test_where_no_run_has_all_numbers_there_is_nothing_to_weigh(study):
    add(study, "a", 0.8, 0.5, method="a", seed=1)
    study.add("b", {"parameter_density": 0.5}, method="b", seed=1)
    with pytest.raises(UserError, match="of one complete run, got parameter_density, nli/id/accuracy"):
        table(study, {"parameter_density": "min", "nli/id/accuracy": "max"})
