"""Exact resume: a run cut off anywhere and continued is, bit for bit, the run that was left alone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Callback

from lit_prune.checkpoints import read_checkpoint
from lit_prune.cli import main
from lit_prune.sparsity.files import load_masks


class CutOff(Callback):
    """Ends the run as an interrupt would, before a step."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise KeyboardInterrupt


class Kill(CutOff):
    """Ends the process, in the middle of a step, with nothing run after it."""

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def result(run):
    values = json.loads((run / "metrics.json").read_text())
    return {name: value for name, value in values.items() if name != "wall_seconds"}


def cut_off_by(name, step):
    return f"--trainer.callbacks+={{class_path: {name}, init_args: {{step: {step}}}}}"


def without_callbacks(run):
    """The configuration of a run as if nothing had been going to cut it off."""
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["trainer"]["callbacks"] = None
    path.write_text(yaml.safe_dump(config))


def assert_same(run, reference):
    assert result(run) == result(reference)
    masks, expected = (load_masks(each / "masks.safetensors") for each in (run, reference))
    assert all(torch.equal(masks[name], keep) for name, keep in expected.items())
    state, expected = (read_checkpoint(each / "checkpoints" / "last.ckpt") for each in (run, reference))
    assert all(torch.equal(state["state_dict"][name], value) for name, value in expected["state_dict"].items())
    assert state["global_step"] == expected["global_step"]
    assert (run / "predictions.parquet").read_bytes() == (reference / "predictions.parquet").read_bytes()


# In the dense phase, at an evaluation, at the phase switch, right after it, in the mask phase, before its end.
@pytest.mark.parametrize("step", [7, 12, 20, 21, 31, 38])
def test_a_run_cut_off_and_resumed_is_the_run_left_alone(experiment, plain_run, tmp_path, step):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by(f"{__name__}.CutOff", step), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, plain_run)


def test_a_run_cut_off_before_its_first_evaluation_starts_again_in_its_folder(experiment, plain_run, tmp_path):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by(f"{__name__}.CutOff", 3), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, plain_run)


def test_resuming_a_complete_run_changes_nothing(plain_run, capsys):
    before = {path: path.stat().st_mtime_ns for path in plain_run.rglob("*")}
    assert main(["fit", "--resume", str(plain_run)]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1] == str(plain_run)
    assert {path: path.stat().st_mtime_ns for path in plain_run.rglob("*")} == before


def test_a_truncated_last_checkpoint_is_an_error_before_anything_is_written(experiment, tmp_path, capsys):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by(f"{__name__}.CutOff", 8), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    last = run / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert main(["fit", "--resume", str(run)]) == 2
    assert str(last) in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.slow
@pytest.mark.parametrize("step", [4, 11, 19, 26, 37])
def test_kill_9_at_any_step_then_resume(command, plain_run, tmp_path, step):
    arguments = command(cut_off_by("cut_off.Kill", step), name="killed")
    (tmp_path / "cut_off.py").write_text(Path(__file__).read_text())
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    killed = subprocess.run([sys.executable, "-m", "lit_prune", *arguments], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    run = tmp_path / "runs" / "killed" / "version_0"
    without_callbacks(run)
    resume = [sys.executable, "-m", "lit_prune", "fit", "--resume", str(run)]
    subprocess.run(resume, check=True, capture_output=True)
    assert_same(run, plain_run)
