"""Runs of one task each, gathered into rows of all tasks."""

import numpy as np
import pytest

from lit_prune.errors import UserError
from lit_prune.report.gather import gather

METRICS = ["nli/id/accuracy", "qa/id/f1"]


@pytest.fixture
def tasks(study):
    """Two models of one task each, seed by seed, and one of both of a single seed."""
    for seed in (1, 2):
        nli = {"nli/id/accuracy": 0.6 + seed / 10, "constant/nli/id/accuracy": 0.3, "parameter_density": 0.1}
        qa = {"qa/id/f1": 0.5, "constant/qa/id/f1": 0.1, "parameter_density": 0.2}
        study.add(f"nli-{seed}", nli, run="alone", dataset="nli", seed=seed)
        study.add(f"qa-{seed}", qa, run="alone", dataset="qa", seed=seed)
    study.add("both", dict(zip(METRICS, (0.9, 0.4), strict=True)) | {"parameter_density": 0.3}, run="both", seed=1)
    study.define(metrics=[*METRICS, "mean", "parameter_density"], gather="dataset")
    return study


def column(results, name, model="result"):
    return pytest.approx(results.column(model, name).tolist(), nan_ok=True)


def test_runs_that_differ_in_their_task_alone_are_one(tasks):
    results = gather(*tasks.read())
    assert results.axes == ("run", "seed")
    assert [dict(run.axes) for run in results.runs] == [
        {"run": "alone", "seed": 1},
        {"run": "alone", "seed": 2},
        {"run": "both", "seed": 1},
    ]
    assert column(results, "nli/id/accuracy") == [0.7, 0.8, 0.9]
    assert column(results, "qa/id/f1") == [0.5, 0.5, 0.4]
    assert column(results, "mean") == [0.6, 0.65, 0.65]
    assert column(results, "parameter_density") == [0.15, 0.15, 0.3]  # of what several have, their mean
    assert [0.2, 0.2, np.nan] == column(results, "mean", "constant")


def test_models_of_one_task_each_store_the_sum_of_what_each_stores(tasks):
    for seed, stored in ((3, (0.1, 0.2)), (4, (0.1, None))):
        for (name, metric), share in zip((("nli", METRICS[0]), ("qa", METRICS[1])), stored, strict=True):
            values = {metric: 0.5, "stored_density": share, "mask_bits": 1000}
            tasks.add(f"{name}-{seed}", values if share else None, run="alone", dataset=name, seed=seed)
    results = gather(*tasks.read())
    assert [np.nan, np.nan, 0.1 + 0.2, np.nan, np.nan] == column(results, "stored_density")  # seed 4 lacks one
    assert [np.nan, np.nan, 2000, np.nan, np.nan] == column(results, "mask_bits")


def test_a_row_that_lacks_a_metric_has_no_mean(tasks):
    tasks.add("nli-3", {"nli/id/accuracy": 0.9}, run="alone", dataset="nli", seed=3)
    tasks.add("qa-3", run="alone", dataset="qa", seed=3)
    results = gather(*tasks.read())
    assert column(results, "nli/id/accuracy") == [0.7, 0.8, 0.9, 0.9]
    assert [0.6, 0.65, np.nan, 0.65] == column(results, "mean")
    assert [run.status for run in results.runs] == ["completed"] * 4


def test_without_an_axis_all_is_as_it_was(tasks):
    tasks.define(metrics=METRICS)
    results, settings = tasks.read()
    assert gather(results, settings) is results


def test_an_axis_that_is_not_of_tasks_is_refused(tasks):
    tasks.add("nli-again", {"nli/id/accuracy": 0.9}, run="alone", dataset="other", seed=1)
    message = "'dataset': nli-1 and nli-again both have nli/id/accuracy, choose"
    with pytest.raises(UserError, match=message):
        gather(*tasks.read())


@pytest.mark.parametrize("metrics", [[], ["parameter_density", "mean"]])
def test_without_metrics_of_tasks_nothing_is_gathered(tasks, metrics):
    tasks.define(metrics=metrics, gather="dataset")
    with pytest.raises(UserError, match=r"metrics must be set with .*'dataset', got none: name one metric"):
        tasks.read()


def test_the_report_has_rows_of_all_tasks_and_runs_as_they_are(tasks):
    printed = {"run": "alone", "metric": "mean", "value": 0.6, "source": "a paper"}
    definition = {"metrics": [*METRICS, "mean", "parameter_density"], "gather": "dataset"}
    tasks.define(**definition, printed=[printed], pareto={"mean": "max", "parameter_density": "min"})
    report = tasks.report()
    header = (
        "| run | model | seeds | nli accuracy, in distribution | qa F1, in distribution | mean | parameter density |"
    )
    table = report.split(header)[1].split("\n\n")[0].splitlines()[2:]
    assert table == [
        "| alone | result | 2 | 0.750 ± 0.071 | 0.500 ± 0.000 | 0.625 ± 0.035 | 0.150 ± 0.000 |",
        "| alone | constant-prediction baseline | 2 | 0.300 ± 0.000 | 0.100 ± 0.000 | 0.200 ± 0.000 | - |",
        "| both | result | 1 | 0.900 | 0.400 | 0.650 | 0.300 |",
    ]
    assert "| alone | result | mean | 0.600 | 0.625 ± 0.035 | +0.025 | 2 | a paper |" in report
    assert "| alone | 2 | 0.625 | 0.15 |" in report  # what no other dominates
    assert "| run | dataset | sparsity reached | optimizer steps | seconds |" in report
    rows = (tasks.folder / "results.csv").read_text().splitlines()
    assert sum("f1" in row and "result" in row for row in rows) == 3  # of every run, not of every row
    assert not any("mean" in row for row in rows)
