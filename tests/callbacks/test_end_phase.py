"""A phase that ends early, and what begins then."""

import json

import pytest
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.callbacks import EndPhase
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.runs.checkpoints import read_checkpoint


def end_phase(settings):
    return f"--trainer.callbacks+={{class_path: lit_prune.callbacks.EndPhase, init_args: {settings}}}"


NEVER = end_phase("{patience: 1, min_improvement: 1.0}")  # nothing improves as much: the second evaluation ends it


def test_the_mask_phase_begins_where_the_dense_one_was_ended(experiment):
    code, run = experiment(NEVER)
    assert code == 0
    values = json.loads((run / "metrics.json").read_text())
    assert (values["steps"], values["steps_planned"]) == (12 + 20, 40)  # evaluations at 6 and at 12
    assert values["dense/step"] <= 12 < values["step"]
    assert read_checkpoint(run / "checkpoints" / "last.ckpt")["lit_prune"]["ends"] == {"dense": 12, "mask": 32}


def test_a_phase_that_goes_on_improving_goes_on(experiment):
    _, run = experiment(end_phase("{min_improvement: 0.0}"), "--model.init_args.dense.steps=7")
    assert json.loads((run / "metrics.json").read_text())["steps"] == 27


@pytest.mark.parametrize("step", [9, 14])  # before the phase is ended, and after
def test_resumed_the_phase_ends_at_the_same_step(experiment, tmp_path, step):
    _, whole = experiment(NEVER, name="whole")
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(NEVER, cut_off_by("run_helpers.CutOff", step), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)


@pytest.mark.parametrize("settings", [{"patience": 0}, {"min_improvement": -0.1}])
def test_wrong_settings_are_named(settings):
    ((name, value),) = settings.items()
    with pytest.raises(UserError, match=f"{name}.*got.*{value}"):
        EndPhase(**settings)


@pytest.mark.parametrize("phase", ["mask", "burn-in"])
def test_a_phase_that_nothing_follows_is_an_error(experiment, capsys, phase):
    code, _ = experiment(end_phase(f"{{phase: {phase}}}"))
    assert code == 2
    assert f"unknown phase '{phase}' of EndPhase: choose from dense" in capsys.readouterr().err
