"""A criterion, a loss, a schedule and a phase, each in one file outside of the package, used by class path."""

import json

import pytest
import torch
import yaml
from run_helpers import LABELS, assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint

PHASES = """
phases:
  dense:
    class_path: lit_prune.phases.FineTune
    init_args:
      training: {length: 8 steps, learning_rate: 1.0e-3}
      loss: plugins.focal.Focal
  entailed:
    class_path: plugins.entailed.Entailed
    init_args: {training: {length: 4 steps, learning_rate: 1.0e-3}}
  probe:
    class_path: plugins.heads_only.HeadsOnly
    init_args: {training: {length: 4 steps, learning_rate: 1.0e-2}}
  prune:
    class_path: lit_prune.phases.PruneWhileTraining
    init_args:
      training: {length: 12 steps, learning_rate: 1.0e-3}
      criterion: {class_path: plugins.activation.Activation, init_args: {decay: 0.8}}
      schedule: {class_path: plugins.staircase.Staircase, init_args: {final: 0.5}}
      refresh_every: 3
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory, request):
    """A configuration of all of them."""
    with open("configs/srnet_poe.yaml") as file:
        whole = yaml.safe_load(file)
    whole["model"] = {"class_path": "lit_prune.paradigms.Paradigm", "init_args": yaml.safe_load(PHASES)}
    path = tmp_path_factory.mktemp("own") / "own.yaml"
    path.write_text(yaml.safe_dump(whole))
    return path


@pytest.fixture(scope="module")
def run(finished, config):
    return finished("--trainer.val_check_interval=4", config=config, name="own")


def test_they_train(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.5, abs=0.01)
    names = ("entailed", "probe")
    dense, probe = (read_checkpoint(run / "checkpoints" / f"{name}.ckpt")["state_dict"] for name in names)
    moved = {name for name, value in dense.items() if not torch.equal(value, probe[name])}
    assert moved
    assert all(name.startswith("heads.") for name in moved)


def test_a_phase_trains_on_its_own_batches(config, experiment):
    LABELS.clear()
    code, _ = experiment("--trainer.callbacks+=run_helpers.Labels", config=config)
    assert code == 0
    assert LABELS["entailed"] == {1}
    assert all(len(labels) == 3 for phase, labels in LABELS.items() if phase != "entailed")


@pytest.mark.parametrize("step", [6, 10, 14, 23])
def test_they_resume_bit_for_bit(run, config, experiment, tmp_path, step):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment("--trainer.val_check_interval=4", cut_off_by("run_helpers.CutOff", step), config=config, name="cut")
    cut = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(cut)
    assert main(["fit", "--resume", str(cut)]) == 0
    assert_same(cut, run)


def test_what_they_made_is_tested_and_exported(run, tmp_path, capsys):
    (tmp_path / "rows.csv").write_text("text_a,text_b,label\na b,c,entailment\nd,e f,neutral\n")
    assert main(["test", str(run), "--files", f"own={tmp_path / 'rows.csv'}"]) == 0
    assert "accuracy" in capsys.readouterr().out
    for form in ("dense", "packed"):
        assert main(["export", str(run), "--format", form, "--out", str(tmp_path / form)]) == 0
