"""Stability beside performance: the printed tables of Fu et al. 2023, and a study whose truth is known."""

import re

import numpy as np
import pytest
from scipy.stats import rankdata, t

from lit_prune.report.settings import ReportSettings
from lit_prune.report.stability import (
    Spreads,
    pooled_ratio,
    rank_correlation,
    ranks,
    spreads,
    stability_tables,
    std_and_mean_ranks,
)

TASKS = ("CoLA", "STS-B", "MRPC", "RTE", "CB", "COPA", "WSC")
# Table 1: mean and standard deviation of each task, and of all (AVG).
PRINTED = """
FullTuning   58.36 1.74  89.80 0.52  89.55 0.81  76.03 2.14  88.93 2.37  67.70 4.41  53.10 6.18  74.78 2.60
Random       58.35 1.05  89.81 0.11  88.73 0.80  72.71 3.23  90.54 3.39  68.80 2.64  52.88 5.97  74.55 2.46
Mixout       58.66 1.96  90.15 0.17  88.69 0.60  77.55 1.64  86.51 4.13  71.30 4.84  52.98 6.78  75.12 2.88
BitFit       56.67 1.45  90.12 0.14  87.35 0.58  72.74 2.47  86.96 3.20  71.20 3.79  55.10 5.39  74.31 2.43
MagPruning   56.57 2.47  90.30 0.14  88.09 0.79  73.53 1.84  81.25 3.50  71.50 2.46  55.67 2.73  73.85 1.99
Adapter      62.11 1.22  90.05 0.13  89.29 0.60  76.93 2.05  87.32 4.62  69.50 2.54  57.02 5.27  76.03 2.35
LoRA         60.88 1.48  87.19 0.51  89.53 0.62  76.97 1.92  84.64 3.76  69.70 2.83  56.84 4.52  75.11 2.24
DiffPruning  58.53 1.49  89.59 0.34  78.79 6.09  69.93 7.87  86.25 2.65  72.10 2.91  53.37 3.60  72.65 3.57
ChildPruning 60.00 1.29  89.97 1.51  87.19 3.86  75.76 4.38  86.61 3.22  69.40 4.00  55.59 3.81  74.93 3.15
SAM          60.89 0.96  90.59 0.14  88.84 0.49  76.79 1.72  88.93 1.75  74.30 2.45  59.52 3.08  77.12 1.51
"""
METHODS, *_ = zip(*(line.split() for line in PRINTED.strip().splitlines()), strict=True)


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
    """Table 1 as it is printed, in shares, and its column of averages."""
    lines = [line.split()[1:] for line in PRINTED.strip().splitlines()]
    figures = np.array(lines, dtype=float).reshape(10, 8, 2) / 100
    return of(METHODS, TASKS, figures[:, :7, 0], figures[:, :7, 1]), figures[:, 7]


def brackets(table, num_columns):
    """The ranks in brackets (rows, columns, of mean and of standard deviation)."""
    cells = [re.findall(r"\[(\d+)\]", " ".join(row[1 : 1 + num_columns])) for row in table.rows]
    return np.array(cells, dtype=int).reshape(len(cells), num_columns, 2)


def test_all_160_ranks_of_the_papers_printed_table(table):
    found, averages = table
    (made,) = stability_tables(found, ReportSettings(stability="method"))
    means = np.column_stack([found.means, averages[:, 0]])
    stds = np.column_stack([found.stds, averages[:, 1]])
    expected = np.stack([rankdata(-means, "min", axis=0), rankdata(stds, "min", axis=0)], axis=-1)
    assert expected.size == 160
    np.testing.assert_array_equal(brackets(made, 8), expected)
    sam = made.rows[METHODS.index("SAM")]
    assert sam[1] == "0.6089 [2] ± 0.0096 [1]"  # LoRA has .6088 [3]: of three decimals .609 both
    assert sam[2] == "0.9059 [1] ± 0.0014 [3]"  # as steady as BitFit and MagPruning; Random .0011, Adapter .0013
    assert sam[8] == "0.7712 [1] ± 0.0151 [1]"  # Mixout has .7512 [3], LoRA .7511 [4]
    assert "rho of both over the tasks: +0.504 (p 8.7e-06, 70 pairs)" in made.notes[0]


def test_the_papers_formula_on_its_printed_table(table):
    found = rank_correlation(table[0])
    assert found.rho == pytest.approx(0.504, abs=5e-4)
    assert found.num == 70
    first, second = (each.ravel() for each in std_and_mean_ranks(table[0]))
    rho = np.mean((first - first.mean()) * (second - second.mean())) / (first.std() * second.std())
    statistic = rho * np.sqrt((found.num - 2) / (1 - rho**2))
    assert found[:2] == pytest.approx((rho, 2 * t.sf(statistic, found.num - 2)), rel=1e-6)


def test_the_papers_averages_are_the_means_of_its_columns(table):
    found, averages = table
    ours = np.stack([found.means.mean(1), found.stds.mean(1)], 1)
    np.testing.assert_allclose(ours, averages, atol=1.1e-4)  # as printed


def test_the_first_by_both_in_the_printed_table(table):
    steady, good = std_and_mean_ranks(table[0])
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
    assert rank_correlation(of("abc", "t", means, stds)).rho == pytest.approx(1)
    assert rank_correlation(of("abc", "t", means, stds[::-1])).rho == pytest.approx(-1)
    assert rank_correlation(of("abc", "t", means, stds, "loss")).rho == pytest.approx(-1)  # the lowest is the best
    assert np.isnan(rank_correlation(of("a", "t", means[:1], stds[:1])).rho)
    assert np.isnan(rank_correlation(of("abc", "t", means, np.zeros((3, 1)))).rho)


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
    (table,) = stability_tables(found, settings)
    assert table.rows[1][:3] == ["sam", "0.750 [1] ± 0.071 [1]", "0.900 [1] ± 0.000 [1]"]
    assert table.rows[0][1:] == ["0.700 [2] ± 0.283 [2]", "0.700 [2] ± 0.141 [2]", "0.700 [2] ± 0.212 [2]", "-"]
    assert "Spearman's rho of both over the tasks: +1.000 (p 0, 4 pairs)" in table.notes[0]
    assert not stability_tables(None, settings)


def test_of_one_run_there_is_no_rank(study):
    for method, figures in {"full": (0.7, 0.8), "sam": (0.6, 0.62), "lora": (0.9,)}.items():
        for seed, value in enumerate(figures):
            study.add(f"{method}-{seed}", {"rte/id/accuracy": value}, method=method, seed=seed)
    study.define(metrics=["rte/id/accuracy"], stability="method")
    results, settings = study.read()
    (table,) = stability_tables(spreads(results, settings), settings)
    assert [row[1] for row in table.rows] == ["0.750 [1] ± 0.071 [2]", "0.900", "0.610 [2] ± 0.014 [1]"]


def test_it_is_told_what_share_a_method_tunes(study):
    for method, share in {"full": 1.0, "sam": 0.005}.items():
        for seed in range(2):
            values = {"rte/id/accuracy": 0.5 + seed / 10, "tuned_share": share}
            study.add(f"{method}-{seed}", values, method=method, seed=seed)
    study.define(metrics=["rte/id/accuracy"], stability="method")
    results, settings = study.read()
    (table,) = stability_tables(spreads(results, settings), settings)
    assert table.header[:2] == ["method", "tuned"]
    assert [row[:2] for row in table.rows] == [["full", "100.00%"], ["sam", "0.50%"]]


def test_a_method_without_runs_of_a_task_is_not_averaged(study):
    for method, task in (("sam", "rte"), ("full", "rte"), ("full", "cb")):
        for seed in range(2):
            value = {f"{task}/id/accuracy": 0.5 + seed / 10}
            study.add(f"{method}-{task}-{seed}", value, method=method, task=task, seed=seed)
    study.define(metrics=["rte/id/accuracy", "cb/id/accuracy"], stability="method")
    results, settings = study.read()
    assert stability_tables(spreads(results, settings), settings)[0].rows[1][2:] == ["-", "-"]


def test_what_one_answer_to_all_rows_gets_as_well_has_no_rank(study):
    values = {"full": (0.7, 0.8), "sam": (0.70, 0.72), "head": (0.52, 0.52), "lora": (0.4, 0.7)}
    for method, figures in values.items():
        for seed, value in enumerate(figures):
            named = {"rte/id/accuracy": value, "constant/rte/id/accuracy": 0.53}
            study.add(f"{method}-{seed}", named, method=method, seed=seed)
    study.define(metrics=["rte/id/accuracy"], stability="method", reference={"method": "full"})
    results, settings = study.read()
    printed, table = stability_tables(spreads(results, settings), settings)
    assert [row[:3] for row in printed.rows] == [
        ["full", "0.750 [1] ± 0.071 [3]", "0.750 [1] ± 0.071 [3]"],
        ["head", "0.520 [4] ± 0.000 [1]", "0.520 [4] ± 0.000 [1]"],
        ["lora", "0.550 [3] ± 0.212 [4]", "0.550 [3] ± 0.212 [4]"],
        ["sam", "0.710 [2] ± 0.014 [2]", "0.710 [2] ± 0.014 [2]"],
    ]
    # Ranks (1, 3), (4, 1), (3, 4), (2, 2): deviations from 2.5 multiply to -.75 - 2.25 + .75 + .25 = -2, of 5.
    assert "rho of both over the tasks: -0.400 (p 0.6, 4 pairs)" in printed.notes[0]
    assert table.title == "Stability by method, without means near the majority baseline"
    assert "rho of both over the tasks: -1.000 (2 pairs)" in table.notes[0]
    assert [row[2] for row in table.rows] == [
        "0.750 [1] ± 0.071 [2]",
        "0.520 ± 0.000",
        "0.550 ± 0.212",
        "0.710 [2] ± 0.014 [1]",
    ]
    assert [row[:2] for row in table.rows] == [
        ["full", "0.750 [1] ± 0.071 [2]"],
        ["head", "=0.520 ± 0.000"],
        ["lora", "=0.550 ± 0.212"],
        ["sam", "0.710 [2] ± 0.014 [1]"],
    ]
    assert [row[-1] for row in table.rows[:3]] == ["-"] * 3
    assert any(note.startswith("=: within 3 standard") for note in table.notes)
