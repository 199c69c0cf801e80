"""Experiments tell apart the runs of a folder without a study."""

import json

import pytest
import yaml
from records import numbers

from lit_prune.report.results import read_results


@pytest.fixture
def add(study):
    """A function that adds a run of an experiment with settings of its own."""

    def add_run(experiment, version, seed, rounds=False, **settings):
        further = {f"round_1/{name}": 0.3 for name in ("sparsity", "step", "nli/id/accuracy")} if rounds else {}
        place = study.add(f"{experiment}/{version}", numbers(0.9, 0.6) | further, listed=False, seed=seed)
        record = json.loads((place / "run.json").read_text()) | {"experiment": experiment}
        (place / "run.json").write_text(json.dumps(record))
        trainer = {"max_steps": -1, "default_root_dir": "logs", "logger": {"version": version}}
        config = {"seed_everything": seed, "experiment": experiment, "trainer": trainer} | settings
        (place / "config.yaml").write_text(yaml.safe_dump(config))
        return place

    return add_run


def axes(study):
    return [dict(run.axes) for run in read_results(study.folder).runs]


def test_experiments_are_an_axis_and_seeds_are_repetitions(study, add):
    for seed in (1, 2):
        add("poe", f"v{seed}", seed)
    add("sam", "v1", 3)
    assert axes(study) == [
        {"experiment": "poe", "seed": 1},
        {"experiment": "poe", "seed": 2},
        {"experiment": "sam", "seed": 3},
    ]


def test_one_experiment_needs_no_axis(study, add):
    for seed in (1, 2):
        add("poe", f"v{seed}", seed)
    assert axes(study) == [{"seed": 1}, {"seed": 2}]


@pytest.mark.parametrize("other", ["settings", "seed", "unreadable"])
def test_runs_that_are_no_repetitions_have_their_names(study, add, other):
    add("poe", "v1", 1)
    place = add("poe", "v2", 1 if other == "seed" else 2, **({"data": {"size": 3}} if other == "settings" else {}))
    if other == "unreadable":
        (place / "config.yaml").write_text("[")
    add("sam", "v1", 1)
    names = [each["experiment"] for each in axes(study)]
    assert names == ["poe/v1/version_0", "poe/v2/version_0", "sam"]


def test_rounds_of_a_run_are_of_its_experiment(study, add):
    add("imp", "v1", 1, rounds=True)
    add("sam", "v1", 1)
    assert axes(study) == [
        {"experiment": "imp", "sparsity": 0.3, "seed": 1},
        {"experiment": "imp", "sparsity": 0.5, "seed": 1},
        {"experiment": "sam", "seed": 1},
    ]
    add("imp", "v2", 1, rounds=True)
    names = {each["experiment"] for each in axes(study)}
    assert names == {"imp/v1/version_0", "imp/v2/version_0", "sam"}  # of a round, that of its run


def test_axes_of_the_runs_themselves_stay(study):
    for method in ("a", "b"):
        study.add(method, numbers(0.9, 0.6), listed=False, method=method, seed=1)
    assert axes(study) == [{"method": "a", "seed": 1}, {"method": "b", "seed": 1}]


def test_a_folder_with_settings_has_names(study, add):
    add("poe", "v1", 1)
    add("sam", "v1", 1)
    study.define()
    assert [each["name"] for each in axes(study)] == ["poe/v1/version_0", "sam/v1/version_0"]
