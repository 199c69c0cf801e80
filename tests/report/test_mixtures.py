"""Mixtures against all ways to choose, one by one."""

from itertools import product

import numpy as np
import pytest

from lit_prune.errors import UserError
from lit_prune.report.mixtures import Mixtures, Models, find_models, mix
from lit_prune.report.settings import MixtureSettings

METRICS = ["nli/id/accuracy", "qa/id/f1", "like/id/mean_correlation"]
MIXTURE = MixtureSettings("fig", METRICS)


def random_models(seed, num=14):
    """Single-task models of two seeds, and two multitask models."""
    generator = np.random.default_rng(seed)
    scores = np.full((num, 3), np.nan)
    scores[np.arange(num), np.arange(num) % 3] = generator.uniform(size=num)
    scores[-2:] = generator.uniform(size=(2, 3))
    return Models(METRICS, generator.integers(1, 3, size=num).tolist(), generator.uniform(size=num), scores)


@pytest.mark.parametrize("seed", range(4))
def test_every_way_to_choose_is_a_mixture_of_its_seed(seed):
    models = random_models(seed)
    for value, found in mix(models).items():
        by_task = [
            [run for run in range(12) if run % 3 == task and models.seeds[run] == value] for task in range(len(METRICS))
        ]
        wanted = [
            (
                sum(models.budgets[run] for run in runs),
                sum(models.scores[run, task] for task, run in enumerate(runs)) / 3,
            )
            for runs in product(*by_task)
        ]
        np.testing.assert_allclose(
            np.reshape(sorted(zip(found.budgets, found.scores, strict=True)), (-1, 2)),
            np.reshape(sorted(wanted), (-1, 2)),
            atol=1e-9,
        )


def test_the_best_of_a_budget_the_cheapest_of_a_score_and_the_frontier():
    found = Mixtures(np.array([0.3, 0.6, 0.6, 0.9]), np.array([0.7, 0.8, 0.5, 0.75]))
    assert [found.best(budget) for budget in (0.3, 0.59, 0.6, 5.0)] == [0.7, 0.7, 0.8, 0.8]
    assert [found.cheapest(score) for score in (0.1, 0.7, 0.71, 0.8)] == [0.3, 0.3, 0.6, 0.6]
    assert np.isnan([found.best(0.29), found.cheapest(0.81)]).all()
    assert found.frontier.budgets.tolist() == [0.3, 0.6]
    assert found.frontier.scores.tolist() == [0.7, 0.8]
    nothing = Mixtures(np.empty(0), np.empty(0))
    assert np.isnan([nothing.best(9.0), nothing.cheapest(0.0)]).all()


def test_sums_of_equal_budgets_are_equal():
    scores = np.where(np.eye(3), 0.9, np.nan)
    (found,) = mix(Models(METRICS, [1, 1, 1], np.full(3, 0.1), scores)).values()
    assert found.best(0.3) == 0.9  # 0.1 + 0.1 + 0.1 > 0.3


def test_a_seed_that_lacks_a_task_has_no_mixture():
    scores = np.where(np.eye(3), 0.9, np.nan)
    assert [len(each.scores) for each in mix(Models(METRICS, [1, 1, 2], np.ones(3), scores)).values()] == [0, 0]


def test_over_a_million_mixtures_are_refused():
    scores = np.full((303, 3), np.nan)
    scores[np.arange(303), np.arange(303) % 3] = 0.5
    with pytest.raises(UserError, match=r"mixtures of a seed must be at most 1,000,000, got 1,030,301: select"):
        mix(Models(METRICS, [1] * 303, np.ones(303), scores))


def test_runs_are_models_by_the_metrics_that_they_have(study):
    study.add("nli", {METRICS[0]: 0.9, "stored_density": 0.1}, method="a", seed=1)
    study.add("all", dict.fromkeys(METRICS, 0.8) | {"stored_density": 0.2}, method="a", all="yes", seed=1)
    study.add("other", {METRICS[1]: 0.7, "stored_density": 0.3}, method="b", seed=1)
    study.add("dense", {"squad/id/f1": 0.7}, method="a", dense="yes", seed=1)
    study.add("late", method="a", late="yes", seed=1)
    results, _ = study.read()
    models = find_models(results, MixtureSettings("fig", METRICS, {"method": "a"}), "seed")
    names = np.array([run.name for run in results.runs])
    assert names[models.multitask].tolist() == ["all"]
    assert [names[known].tolist() for known in models.single.T] == [["nli"], [], []]
    assert models.means[models.multitask].tolist() == [0.8]
    assert sorted(names[models.known]) == ["all", "nli"]


def test_a_run_of_some_tasks_or_without_a_budget_is_an_error(study):
    study.add("nli", {METRICS[0]: 0.9}, method="a", seed=1)
    study.add("two", dict.fromkeys(METRICS[:2], 0.8) | {"stored_density": 0.2}, method="b", seed=1)
    results, _ = study.read()
    with pytest.raises(
        UserError, match=r"runs of mixture fig must have stored_density.*, got none in nli: exclude it by `where`"
    ):
        find_models(results, MixtureSettings("fig", METRICS, {"method": "a"}), "seed")
    with pytest.raises(
        UserError, match=r"runs of mixture fig must have one or all 3 metrics, got 2 in two: exclude it by `where`"
    ):
        find_models(results, MixtureSettings("fig", METRICS, {"method": "b"}), "seed")
