"""Runs that are meant by values of their axes."""

import pytest
from records import numbers

from lit_prune.errors import UserError
from lit_prune.report.results import read_results
from lit_prune.report.selection import is_pending, select


def test_runs_are_awaited_until_one_of_them_is_complete(study):
    study.add("a", numbers(0.9, 0.6), loss="ce", seed=1)
    study.add("b", loss="ce", seed=2)
    study.add("c", loss="poe", seed=1)
    results = read_results(study.folder)
    assert [is_pending(results, {"loss": loss}) for loss in ("ce", "poe")] == [False, True]
    assert not is_pending(results, {"loss": "poe", "seed": 2})  # there is no such run


def test_of_many_metrics_an_error_names_the_closest(study):
    study.add("one", numbers(0.9, 0.6) | {f"nli/id/accuracy_{number}": 0.5 for number in range(50)}, seed=1)
    study.define(metrics=["nli/ood/acuracy"])
    with pytest.raises(UserError, match=r"choose from nli/ood/accuracy, .* or another of the 52 in results\.csv"):
        study.read()


def test_runs_are_selected_by_values_as_yaml_has_them(study):
    study.add("a", numbers(0.9, 0.6), bias=True, sparsity=0.5, seed=1)
    study.add("b", numbers(0.9, 0.6), bias=False, seed=1)
    results = read_results(study.folder)
    chosen = [
        ({"bias": [True, False]}, ["a", "b"]),
        ({"bias": True}, ["a"]),
        ({"sparsity": 0.5}, ["a"]),
        ({}, ["a", "b"]),
        ({"model": "result"}, ["a", "b"]),
    ]
    for wanted, names in chosen:
        found = select(results, wanted)
        assert sorted(run.name for run, there in zip(results.runs, found, strict=True) if there) == names


def test_a_sparsity_is_awaited_while_a_run_is_incomplete(study):
    study.add("mask", numbers(0.9, 0.6), run="mask", seed=1)
    with pytest.raises(UserError, match="unknown axis 'sparsity' of the report: choose from run, seed"):
        select(read_results(study.folder), {"sparsity": 0.5})
    study.add("imp", run="imp", seed=1)
    assert not select(read_results(study.folder), {"run": "imp", "sparsity": 0.5}).any()
