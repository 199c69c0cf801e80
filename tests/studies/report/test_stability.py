"""Stability beside performance: the printed tables of Fu et al. 2023, and a study whose truth is known."""

import json
from pathlib import Path

import numpy as np
import pytest

from lit_prune.studies.report.stability import (
    Spreads,
    both_ranks,
    pooled_ratio,
    rank_correlation,
    ranks,
    spreads,
    stability_table,
)

PRINTED = Path(__file__).parents[4] / "shared/spec/reference_results.json"
TASKS = ("CoLA", "STS-B", "MRPC", "RTE", "CB", "COPA", "WSC")


def of(methods, tasks, means, stds, metric="accuracy"):
    return Spreads(
        methods,
        [f"{task}/id/{metric}" for task in tasks],
        means,
        stds,
        np.full(means.shape, 10),
        np.full(len(tasks), np.nan),
        np.full(len(means), np.nan),
    )


@pytest.fixture
def table():
    """Table 1 as it is printed, and its column of averages."""
    if not PRINTED.is_file():
        pytest.skip(f"{PRINTED} is not there")
    printed = json.loads(PRINTED.read_text())["fu2023_table1_mean_std_10_seeds"]
    figures = np.array([[rows[task] for task in TASKS] for rows in printed.values()])
    averages = np.array([rows["AVG"] for rows in printed.values()])
    return of(list(printed), TASKS, figures[..., 0], figures[..., 1]), averages


def test_the_papers_formula_on_its_printed_table(table):
    assert rank_correlation(table[0]) == pytest.approx(0.504, abs=5e-4)


def test_the_papers_averages_are_the_means_of_its_columns(table):
    found, averages = table
    ours = np.stack([found.means.mean(1), found.stds.mean(1)], 1)
    np.testing.assert_allclose(ours, averages, atol=0.011)  # as printed


def test_the_first_by_both_in_the_printed_table(table):
    steady, good = both_ranks(table[0])
    sam = table[0].methods.index("SAM")
    assert good[sam].tolist() == [2, 1, 4, 4, 2, 1, 1]  # CB: as FullTuning, behind Random
    assert steady[sam].tolist() == [1, 3, 1, 2, 1, 1, 2]


def test_equal_values_share_the_better_rank():
    values = np.array([[3.0, 1.0], [1.0, np.nan], [3.0, 2.0], [0.0, 0.5]])
    assert ranks(values, highest_first=True)[:, 0].tolist() == [1, 3, 1, 4]
    found = ranks(values, highest_first=False)[:, 1]
    assert found[[0, 2, 3]].tolist() == [2, 3, 1]
    assert np.isnan(found[1])


def test_a_correlation_of_ranks():
    means, stds = np.array([[3.0], [2.0], [1.0]]), np.array([[0.1], [0.2], [0.3]])
    assert rank_correlation(of("abc", "t", means, stds)) == pytest.approx(1)
    assert rank_correlation(of("abc", "t", means, stds[::-1])) == pytest.approx(-1)
    assert rank_correlation(of("abc", "t", means, stds, "loss")) == pytest.approx(-1)  # the lowest is the best
    assert np.isnan(rank_correlation(of("a", "t", means[:1], stds[:1])))
    assert np.isnan(rank_correlation(of("abc", "t", means, np.zeros((3, 1)))))


def test_a_ratio_is_a_geometric_mean():
    stds = np.array([[1.0, 4.0, 0.0], [2.0, 2.0, 1.0]])
    found = of("ab", "tuv", np.ones((2, 3)), stds)
    assert pooled_ratio(found, 0, 1)[0] == pytest.approx(1.0)  # the root of 1/2 times 2; a spread of 0 says nothing
    found.stds[0, 0] = 4.0
    margin = np.exp(1.96 / np.sqrt(2 * 9))  # of two tasks, and ten runs on both sides
    assert pooled_ratio(found, 0, 1) == pytest.approx((2.0, 2.0 / margin, 2.0 * margin))


def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(500):
        samples = [rng.normal(scale=scale, size=(20, 2)) for scale in (2.0, 1.0)]
        stds = np.stack([each.std(axis=0, ddof=1) for each in samples])
        found = Spreads("ab", ["t/id/accuracy"] * 2, stds, stds, np.full((2, 2), 20), *np.full((2, 2), np.nan))
        _, low, high = pooled_ratio(found, 0, 1)
        hits += low <= 2.0 <= high
    assert 0.92 < hits / 500 < 0.98


def test_a_study_of_methods_and_tasks(study):
    values = {
        ("sam", "rte"): (0.7, 0.8),
        ("sam", "cb"): (0.9, 0.9),
        ("full", "rte"): (0.5, 0.9),
        ("full", "cb"): (0.6, 0.8),
    }
    for (method, task), figures in values.items():
        for seed, value in enumerate(figures):
            study.add(f"{method}-{task}-{seed}", {f"{task}/id/accuracy": value}, method=method, task=task, seed=seed)
    study.define(metrics=["rte/id/accuracy", "cb/id/accuracy"], stability="method", reference={"method": "full"})
    results, settings = study.read()
    found = spreads(results, settings)
    assert found.methods == ["full", "sam"]
    np.testing.assert_allclose(found.means, [[0.7, 0.7], [0.75, 0.9]])
    np.testing.assert_allclose(found.stds, np.sqrt(2) * np.array([[0.2, 0.1], [0.05, 0]]), atol=1e-12)
    table = stability_table(found, settings)
    assert table.rows[1][:3] == ["sam", "0.750 [1] ± 0.071 [1]", "0.900 [1] ± 0.000 [1]"]
    assert table.rows[0][1:] == ["0.700 [2] ± 0.283 [2]", "0.700 [2] ± 0.141 [2]", "0.700 ± 0.212", "-"]
    assert "Spearman's rho of both: +1.000" in table.notes[0]
    assert not stability_table(None, settings).rows


def test_of_one_run_there_is_no_rank(study):
    for method, figures in {"full": (0.7, 0.8), "sam": (0.6, 0.62), "lora": (0.9,)}.items():
        for seed, value in enumerate(figures):
            study.add(f"{method}-{seed}", {"rte/id/accuracy": value}, method=method, seed=seed)
    study.define(metrics=["rte/id/accuracy"], stability="method")
    results, settings = study.read()
    table = stability_table(spreads(results, settings), settings)
    assert [row[1] for row in table.rows] == ["0.750 [1] ± 0.071 [2]", "0.900 ± -", "0.610 [2] ± 0.014 [1]"]


def test_it_is_told_what_share_a_method_tunes(study):
    for method, share in {"full": 1.0, "sam": 0.005}.items():
        for seed in range(2):
            values = {"rte/id/accuracy": 0.5 + seed / 10, "tuned_share": share}
            study.add(f"{method}-{seed}", values, method=method, seed=seed)
    study.define(metrics=["rte/id/accuracy"], stability="method")
    results, settings = study.read()
    table = stability_table(spreads(results, settings), settings)
    assert table.header[:2] == ["method", "tuned"]
    assert [row[:2] for row in table.rows] == [["full", "100.00%"], ["sam", "0.50%"]]


def test_a_method_without_runs_of_a_task_is_not_averaged(study):
    for method, task in (("sam", "rte"), ("full", "rte"), ("full", "cb")):
        for seed in range(2):
            value = {f"{task}/id/accuracy": 0.5 + seed / 10}
            study.add(f"{method}-{task}-{seed}", value, method=method, task=task, seed=seed)
    study.define(metrics=["rte/id/accuracy", "cb/id/accuracy"], stability="method")
    results, settings = study.read()
    assert stability_table(spreads(results, settings), settings).rows[1][2:] == ["-", "-"]


def test_what_one_answer_to_all_rows_gets_as_well_has_no_rank(study):
    values = {"full": (0.7, 0.8), "sam": (0.70, 0.72), "head": (0.52, 0.52), "lora": (0.4, 0.7)}
    for method, figures in values.items():
        for seed, value in enumerate(figures):
            named = {"rte/id/accuracy": value, "constant/rte/id/accuracy": 0.53}
            study.add(f"{method}-{seed}", named, method=method, seed=seed)
    study.define(metrics=["rte/id/accuracy"], stability="method", reference={"method": "full"})
    results, settings = study.read()
    table = stability_table(spreads(results, settings), settings)
    assert [row[:2] for row in table.rows] == [
        ["full", "0.750 [1] ± 0.071 [2]"],
        ["head", "=0.520 ± 0.000"],
        ["lora", "=0.550 ± 0.212"],
        ["sam", "0.710 [2] ± 0.014 [1]"],
    ]
    assert [row[-1] for row in table.rows[:3]] == ["-"] * 3
    assert any(note.startswith("=: within three") for note in table.notes)
