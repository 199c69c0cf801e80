"""An equal effort for all methods of a study."""

import io

import pytest
from rich.console import Console

from lit_prune.errors import UserError
from lit_prune.studies.budget import Budget, check_budget, efforts_table, read_budget
from lit_prune.studies.plan import make_plan
from lit_prune.studies.standing import NEW, Standing
from lit_prune.studies.study import make_study

STEPS = {"dense": 300, "mask": 600, "long": 900}


@pytest.fixture
def source(small):
    """A mask that starts from a dense run, and a run as long as both together; each tries two rates."""
    tune = {"axis": "rate", "where": {"seed": [1]}}
    kind = {"configs": small("configs/dense.yaml"), "axes": ["rate", "seed"], "tune": tune}
    return {
        "title": "equal",
        "runs": {"dense": kind, "mask": {**kind, "start_from": "dense"}, "long": kind},
        "axes": {
            "rate": {"setting": "model.init_args.dense.learning_rate", "values": [0.1, 0.2]},
            "seed": {"setting": "seed_everything", "values": [1, 2]},
        },
        "budget": {"steps": 900, "trials": 2},
    }


def standings_of(study, tmp_path, steps=STEPS):
    return {run.name: Standing(run, tmp_path, NEW, (), steps[run.kind]) for run in make_plan(study)}


def test_equal_efforts_are_accepted_with_the_runs_that_they_start_from(source, tmp_path):
    study = make_study(source)
    assert read_budget(study) == Budget(900, 2)
    check_budget(study, standings_of(study, tmp_path))


def test_a_study_without_a_budget_has_any_effort(source, tmp_path):
    del source["budget"]
    study = make_study(source)
    assert read_budget(study) == Budget()
    check_budget(study, standings_of(study, tmp_path, dict.fromkeys(STEPS)))


@pytest.mark.parametrize(("steps", "got"), [(800, "800"), (None, "an unknown number")])
def test_a_run_of_another_length_is_an_error(source, tmp_path, steps, got):
    study = make_study(source)
    message = f"long/rate=0.1/seed=1 must take 900 optimizer steps .*, got {got}: set the `length`"
    with pytest.raises(UserError, match=message):
        check_budget(study, standings_of(study, tmp_path, {**STEPS, "long": steps}))


def test_a_method_of_other_trials_is_an_error(source, tmp_path):
    source["runs"]["long"] = {**source["runs"]["long"], "where": {"rate": [0.1]}}
    study = make_study(source)
    with pytest.raises(UserError, match=r"runs\.long must try 2 values of a tuned axis \(budget\.trials\), got 1"):
        check_budget(study, standings_of(study, tmp_path))
    source["runs"]["long"] = {**source["runs"]["long"], "tune": None}
    study = make_study(source)
    with pytest.raises(UserError, match=r"runs\.long must try 2 values .*, got 0"):
        check_budget(study, standings_of(study, tmp_path))


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"epochs": 3}, "unknown key 'epochs' of budget: choose from steps, trials"),
        (900, "unknown key 900 of budget"),
        ({"steps": 0}, r"budget\.steps must be a whole number from 1, got 0"),
        ({"trials": "three"}, r"budget\.trials must be a whole number from 1, got 'three'"),
    ],
)
def test_a_wrong_budget_is_an_error(source, budget, message):
    with pytest.raises(UserError, match=message):
        read_budget(make_study(source | {"budget": budget}))


def test_the_table_has_the_steps_and_the_values_tried(source, tmp_path):
    study = make_study(source)
    console = Console(width=100, file=io.StringIO())
    console.print(efforts_table(study, list(standings_of(study, tmp_path, {**STEPS, "long": None}).values())))
    lines = [line.replace("│", " ").split() for line in console.file.getvalue().splitlines()]
    assert ["dense", "300", "rate", "0.1,", "0.2", "seed", "1"] in lines
    assert ["long", "?", "rate", "0.1,", "0.2", "seed", "1"] in lines


def test_without_tuned_axes_there_is_no_table(source, tmp_path):
    for kind in source["runs"].values():
        kind["tune"] = None
    study = make_study(source)
    assert efforts_table(study, list(standings_of(study, tmp_path).values())) is None
