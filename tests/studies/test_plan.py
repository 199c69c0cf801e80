"""The runs of a study, and parts of them."""

import json

import pytest

from lit_prune.errors import UserError
from lit_prune.studies.plan import make_plan, select
from lit_prune.studies.study import make_study
from lit_prune.studies.trials import Trials


def test_every_kind_is_run_at_every_place_after_what_it_starts_from(plan, names):
    assert [run.name for run in plan] == names
    assert {run.name: run.ancestor for run in plan} == {
        name: None if name.startswith("dense") else f"dense/{name.rpartition('/')[2]}" for name in names
    }
    run = plan[3]
    assert (run.kind, run.axes) == ("mask", {"run": "mask", "loss": "poe", "seed": 2})


def test_a_run_says_to_fit_what_its_kind_and_its_values_say_and_where_it_stands(plan, source):
    study = make_study(source)
    *arguments, axes = plan[3].arguments
    values = (*study.axes["loss"]["poe"], *study.axes["seed"][2])
    assert tuple(arguments) == (*study.kinds["mask"].arguments, *values)
    assert json.loads(axes.removeprefix("--axes=")) == {"run": "mask", "loss": "poe", "seed": 2}


def test_one_kind_alone_is_not_named(source):
    source["runs"] = {"dense": source["runs"]["dense"]}
    source |= {"axes": {"seed": source["axes"]["seed"]}, "cost": {}}
    plan = make_plan(make_study(source))
    assert [(run.name, run.axes) for run in plan] == [("seed=1", {"seed": 1}), ("seed=2", {"seed": 2})]
    source |= {"runs": {"dense": source["runs"]["dense"] | {"axes": []}}, "axes": {}}
    assert [run.name for run in make_plan(make_study(source))] == ["dense"]


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        ([], [0, 1, 2, 3, 4, 5]),
        (["seed=2"], [1, 3, 5]),
        (["loss=ce"], [0, 1, 4, 5]),
        (["loss=ce", "seed=1"], [0, 4]),
        (["loss=ce", "loss=poe", "seed=1"], [0, 2, 4]),
        (["run=dense"], [0, 1]),
    ],
)
def test_a_part_comes_with_what_it_depends_on(plan, conditions, numbers):
    assert select(plan, conditions) == [plan[number] for number in numbers]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (["width=3"], "unknown axis 'width' in --where width=3: choose from run, seed, loss"),
        (["seed"], "unknown seed '' in --where: choose from 1, 2"),
        (["seed=3"], "unknown seed '3' in --where: choose from 1, 2"),
        (["run=dense", "loss=ce"], "--where must select a run, got run=dense loss=ce"),
    ],
)
def test_a_part_that_is_not_there_is_an_error(plan, conditions, message):
    with pytest.raises(UserError, match=message):
        select(plan, conditions)


def test_a_kind_may_have_a_part_of_an_axis(source):
    source["runs"]["mask"]["where"] = {"seed": [2]}
    runs = make_plan(make_study(source))
    assert {run.axes["seed"] for run in runs if run.kind == "mask"} == {2}
    assert {run.axes["seed"] for run in runs if run.kind == "dense"} == {1, 2}
    source["runs"]["mask"]["where"] = {"seed": [3]}
    with pytest.raises(UserError, match=r"unknown value 3 in runs\.mask\.where\.seed: choose from 1, 2"):
        make_study(source)
    source["runs"]["mask"]["where"] = {"width": [3]}
    with pytest.raises(UserError, match=r"unknown axis in runs\.mask\.where\.width: choose from loss, seed"):
        make_study(source)
    source["runs"]["mask"]["where"] = {}
    source["runs"]["dense"]["where"] = {"seed": [1]}
    with pytest.raises(UserError, match=r"seed=2 must start from a run of the study, got dense/seed=2"):
        make_plan(make_study(source))


def test_a_kind_may_start_from_one_value_of_an_axis_that_it_has_not(source):
    source["runs"]["ticket"] = source["runs"]["mask"] | {
        "axes": ["seed"],
        "start_from": "mask",
        "where": {"loss": ["ce"]},
    }
    runs = {run.name: run for run in make_plan(make_study(source))}
    assert runs["ticket/seed=2"].ancestor == "mask/loss=ce/seed=2"
    assert runs["ticket/seed=2"].axes == {"run": "ticket", "seed": 2}


def test_a_kind_may_vary_along_an_axis_of_the_runs_that_it_starts_from_alone(source):
    source["runs"]["ticket"] = {
        "configs": source["runs"]["mask"]["configs"],
        "axes": ["seed"],
        "start_from": "mask",
        "where": {"loss": ["ce", "poe"]},
    }
    study = make_study(source)
    runs = {run.name: run for run in make_plan(study) if run.kind == "ticket"}
    assert [*runs] == [f"ticket/loss={loss}/seed={seed}" for loss in ("ce", "poe") for seed in (1, 2)]
    run = runs["ticket/loss=ce/seed=2"]
    assert run.ancestor == "mask/loss=ce/seed=2"
    assert run.axes == {"run": "ticket", "loss": "ce", "seed": 2}
    assert run.arguments[:-1] == (*study.kinds["ticket"].arguments, *study.axes["seed"][2])  # none of the loss


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"where": {"loss": ["ce", "ce"]}},
            r"ticket\.where\.loss must have one or more different values, got",
        ),
        ({"where": {"loss": []}}, r"ticket\.where\.loss must have one or more different values, got \[\]"),
        ({"where": {"width": [1, 2]}}, r"unknown axis in runs\.ticket\.where\.width: choose from seed, loss"),
        (
            {"tune": {"axis": "loss", "where": {"seed": [1]}}},
            r"unknown runs\.ticket\.tune\.axis 'loss': choose from",
        ),
    ],
)
def test_an_inherited_axis_has_different_values_of_the_other_kind_and_is_not_tuned(source, changes, message):
    ticket = {"axes": ["seed"], "start_from": "mask", "where": {"loss": ["ce", "poe"]}}
    source["runs"]["ticket"] = {"configs": source["runs"]["mask"]["configs"], **ticket, **changes}
    with pytest.raises(UserError, match=message):
        make_study(source)


@pytest.fixture
def tuned(source):
    """The study with three seeds, of which the first tries both losses."""
    source["axes"]["seed"]["values"] = [1, 2, 3]
    source["runs"]["mask"]["tune"] = {"axis": "loss", "where": {"seed": [1]}}
    return source


def test_what_is_tried_by_some_decides_about_the_others(tuned):
    runs = {run.name: run for run in make_plan(make_study(tuned))}
    assert len(runs) == 9  # all are planned, and can be checked before any is run
    tried = {"poe": ("mask/loss=poe/seed=1",), "ce": ("mask/loss=ce/seed=1",)}
    for run in runs.values():
        assert run.trials == (Trials("loss", tried) if run.kind == "mask" and run.axes["seed"] > 1 else None)
    assert runs["mask/loss=ce/seed=2"].dependencies == ["mask/loss=poe/seed=1", "mask/loss=ce/seed=1", "dense/seed=2"]
    assert runs["mask/loss=ce/seed=1"].dependencies == ["dense/seed=1"]


def test_values_left_out_of_a_kind_are_not_tried_and_several_seeds_may_try(tuned):
    tuned["runs"]["mask"] |= {"where": {"loss": ["ce"]}, "tune": {"axis": "loss", "where": {"seed": [1, 2]}}}
    runs = {run.name: run for run in make_plan(make_study(tuned))}
    tried = {"ce": ("mask/loss=ce/seed=1", "mask/loss=ce/seed=2")}
    assert [run.trials for run in runs.values() if run.trials is not None] == [Trials("loss", tried)]


def test_a_part_comes_with_what_decides_about_it(tuned):
    plan = make_plan(make_study(tuned))
    part = [run.name for run in select(plan, ["loss=ce", "seed=3"])]
    assert part == [
        "dense/seed=1",
        "dense/seed=3",
        "mask/loss=poe/seed=1",
        "mask/loss=ce/seed=1",
        "mask/loss=ce/seed=3",
    ]


@pytest.mark.parametrize(
    ("tune", "message"),
    [
        ({"axis": "width", "where": {"seed": [1]}}, r"unknown runs\.mask\.tune\.axis 'width': choose from loss, seed"),
        ({"axis": "loss", "where": {}}, r"runs\.mask\.tune\.where must name values of a further axis, got none"),
        ({"axis": "loss"}, r"runs\.mask\.tune must have 'where', got none"),
        (
            {"axis": "loss", "where": {"loss": ["ce"]}},
            r"unknown axis 'loss' in runs\.mask\.tune\.where: choose from seed",
        ),
        ({"axis": "loss", "where": {"seed": [4]}}, r"tune\.where\.seed must be among 1, 2, 3, got \[4\]"),
        ({"axis": "loss", "where": {"seed": []}}, r"tune\.where\.seed must be among 1, 2, 3, got \[\]"),
        ({"axis": "loss", "where": {"seed": 1}}, r"tune\.where\.seed must be a list, got 1"),
    ],
)
def test_trials_that_cannot_be_are_an_error(tuned, tune, message):
    tuned["runs"]["mask"]["tune"] = tune
    with pytest.raises(UserError, match=message):
        make_study(tuned)
