"""Multitask models against mixtures, in numbers that can be followed by hand."""

import numpy as np
import pytest

from lit_prune.report.multitask import compare_with_mixtures, multitask_table
from lit_prune.report.settings import MixtureSettings
from lit_prune.report.tables import cell_axes

METRICS = ["nli/id/accuracy", "qa/id/f1"]
MIXTURE = MixtureSettings("fig", METRICS)


@pytest.fixture
def fill(study):
    """A function that adds models of two seeds: single-task ones at two densities, multitask ones at four."""

    def add_all(single_seeds=(1, 2)):
        for seed in (1, 2):
            if seed in single_seeds:
                for density, score in {0.1: 0.6, 0.4: 0.8}.items():
                    for task, metric in zip(("nli", "qa"), METRICS, strict=True):
                        numbers = {metric: score + seed / 100, "stored_density": density}
                        study.add(f"{task}-{density}-{seed}", numbers, task=task, density=density, seed=seed)
            for density, score in {0.15: 0.61, 0.2: 0.65, 0.5: 0.72 - seed / 50, 0.8: 0.9}.items():
                numbers = {METRICS[0]: score + 0.05, METRICS[1]: score - 0.05, "stored_density": density}
                study.add(f"all-{density}-{seed}", numbers, density=density, seed=seed)
        return study.read()

    return add_all


def table(results, settings):
    return multitask_table(
        compare_with_mixtures(results, MIXTURE, settings.over),
        MIXTURE.name,
        cell_axes(results, settings),
        settings.over,
    )


def test_a_setting_is_compared_with_the_mixtures_of_its_seeds(fill):
    found = table(*fill())
    assert found.title == "Multitask models against mixtures: fig"
    assert found.header[0] == "density"
    assert found.header[1:3] == ["seeds", "budget"]  # the axis task is of single-task models alone
    # Mixtures of seed s: .2 -> .6 + s/100, .5 -> .7 + s/100, .8 -> .8 + s/100.
    assert [row[2:] for row in found.rows] == [
        ["0.150", "0.610 ± 0.000", "none that small", "-", "0.200 [0.200, 0.200]"],
        ["0.200", "0.650 ± 0.000", "0.615 ± 0.007", "+0.035 [+0.030, +0.040]", "0.500 [0.500, 0.500]"],
        ["0.500", "0.690 ± 0.014", "0.715 ± 0.007", "-0.025 [-0.040, -0.010]", "0.500 [0.500, 0.500]"],
        ["0.800", "0.900 ± 0.000", "0.815 ± 0.007", "+0.085 [+0.080, +0.090]", "none"],
    ]
    assert found.notes[0] == (
        "Of 6 pairs of setting and seed the multitask model is above the best mixture in 4 (67%), below it in 2 (33%); "
        "2 more have no mixture that small, or none at all."
    )


def test_a_seed_without_mixtures_is_told(fill):
    found = table(*fill(single_seeds=(2,)))
    assert found.rows[1][4:] == [
        "0.620 (1 of 2)",
        "+0.030 [+0.030, +0.030] (1 of 2)",
        "0.500 [0.500, 0.500] (1 of 2)",
    ]
    assert "above the best mixture in 2 (67%), below it in 1 (33%); 5 more have no" in found.notes[0]


def test_without_mixtures_there_is_no_verdict(fill):
    found = table(*fill(single_seeds=()))
    assert {tuple(row[4:]) for row in found.rows} == {("-", "-", "-")}
    assert found.notes[0] == "No multitask model can be compared: 8 have no mixture that small, or none at all."


def test_a_mixture_that_needs_a_hundredth_more_has_the_same_budget(study):
    for task, metric in zip(("nli", "qa"), METRICS, strict=True):
        study.add(task, {metric: 0.9, "stored_density": 0.101}, task=task, seed=1)
    for density in (0.2, 0.19):
        study.add(f"all-{density}", dict.fromkeys(METRICS, 0.8) | {"stored_density": density}, density=density, seed=1)
    results, settings = study.read()
    found = {each.axes["density"]: each.best[0] for each in compare_with_mixtures(results, MIXTURE, settings.over)}
    assert found[0.2] == 0.9
    assert np.isnan(found[0.19])


def test_without_a_multitask_model_there_is_no_row(study):
    study.add("nli", {METRICS[0]: 0.9, "stored_density": 0.1}, seed=1)
    assert not table(*study.read()).rows
