"""Resolving a study's configurations once where they differ in plain values alone."""

import json

import pytest

from lit_prune.studies.plan import make_plan
from lit_prune.studies.resolution import START_FROM, resolving_once
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import make_study

SCHEDULE = "model.init_args.schedule"
FINAL = f"{SCHEDULE}.init_args.final"


@pytest.fixture
def counted(resolve):
    """`resolve`, which lists its calls."""

    def count(arguments):
        count.calls.append(tuple(arguments))
        return resolve(arguments)

    count.calls = []
    return count


@pytest.fixture
def assert_equal(resolve, counted):
    """A function that resolves each of several arguments both ways: the number of times that it took."""

    def check(*several):
        resolve_once = resolving_once(counted)
        assert [resolve_once(arguments) for arguments in several] == [resolve(arguments) for arguments in several]
        return len(counted.calls)

    return check


@pytest.fixture
def mask(small):
    """The arguments of a short mask experiment."""
    return tuple(f"--config={path}" for path in small("configs/srnet_poe.yaml"))


def test_runs_that_differ_in_plain_values_are_resolved_at_once_and_as_each_would_be(source, tmp_path, resolve, counted):
    source["axes"]["sparsity"] = {"setting": FINAL, "values": [0.2, 0.5]}
    source["axes"]["dataset"] = {name: {"settings": {"data.only": [name]}} for name in ("nli", "other")}
    source["runs"]["mask"]["axes"] += ["sparsity", "dataset"]
    plan = make_plan(make_study(source))
    resolved = []

    def noted(arguments):
        resolved.append((arguments, counted(arguments)))
        return resolved[-1][1]

    standings = find_standings(plan, tmp_path, noted)
    assert len(standings) == 2 + 2 * 2 * 2 * 2
    assert len(counted.calls) == 1 + 2  # dense, and a loss each
    resolve_once = resolving_once(counted)
    for run in plan:
        start = () if run.ancestor is None else (f"--{START_FROM}={standings[run.ancestor].folder}",)
        arguments = (*run.arguments, *start)
        assert json.dumps(resolve_once(arguments)) == json.dumps(resolve(arguments))


def test_seeds_of_rows_and_axes_are_plain_values(mask, assert_equal):
    parts = [(*mask, "--data.perturbation.share=0.1", f"--data.perturbation.seed={n}") for n in (1, 2)]
    axes = [(*mask, f"--seed_everything={n}", f'--axes={{"seed": {n}}}') for n in (1, 2)]
    assert assert_equal(*parts, *axes) == 2


def test_a_configuration_overrides_the_settings_before_it(mask, assert_equal):
    several = [(*mask, f"--seed_everything={n}", mask[0]) for n in (2, 3)]
    assert assert_equal(*several) == 2


def test_a_setting_that_another_overrides_is_no_plain_value(mask, assert_equal):
    constant = '{"class_path": "lit_prune.sparsity.schedules.Cubic", "init_args": {"final": 0.3}}'
    whole = [(*mask, f"--{FINAL}={value}", f"--{SCHEDULE}={constant}") for value in (0.3, 0.4)]
    twice = [(*mask, f"--{FINAL}={value}", f"--{FINAL}=0.3") for value in (0.3, 0.4)]
    assert assert_equal(*whole, *twice) == 4


def test_a_value_that_is_converted_is_resolved_each_time(mask, assert_equal):
    wholes = [(*mask, f"--{FINAL}={value}") for value in (1, 0)]  # 1.0 and 0.0
    texts = [(*mask, f"--data.root={value}") for value in (1, 2)]  # "1" and "2"
    assert assert_equal(*wholes, *texts) == 4


@pytest.mark.parametrize("values", [(0.5, 50), ("true", "false"), ("null", 5)])
def test_values_of_other_types_are_resolved_by_themselves(mask, values, assert_equal):
    key = "trainer.enable_progress_bar" if values[0] == "true" else "trainer.val_check_interval"
    assert assert_equal(*((*mask, f"--{key}={value}") for value in values)) == (1 if values[0] == "true" else 2)
