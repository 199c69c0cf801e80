"""Exact resume: a run cut off anywhere and continued is, bit for bit, the run that was left alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from run_helpers import CutOff, assert_same, cut_off_by, result, without_callbacks

from lit_prune.cli import main


class Kill(CutOff):
    """Ends the process, in the middle of a step, with nothing run after it."""

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


# In the dense phase, at an evaluation, at the phase switch, right after it, in the mask phase, before its end.
@pytest.mark.parametrize("step", [7, 12, 20, 21, 31, 38])
def test_a_run_cut_off_and_resumed_is_the_run_left_alone(experiment, plain_run, tmp_path, step):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by("run_helpers.CutOff", step), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, plain_run)


def test_a_run_cut_off_before_its_first_evaluation_starts_again_in_its_folder(experiment, plain_run, tmp_path):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by("run_helpers.CutOff", 3), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, plain_run)


@pytest.mark.parametrize("reference", ["plain_run", "finished_dense_run"])
@pytest.mark.timeout(60)  # without its end a run would go on for ever
def test_a_run_cut_off_after_its_last_step_only_lacks_its_metrics(reference, request, tmp_path):
    reference = request.getfixturevalue(reference)
    run = shutil.copytree(reference, tmp_path / "cut" / "version_0")
    (run / "metrics.json").unlink()
    assert main(["fit", "--resume", str(run)]) == 0
    assert result(run) == result(reference)


def test_resuming_a_complete_run_changes_nothing(plain_run, capsys):
    before = {path: path.stat().st_mtime_ns for path in plain_run.rglob("*")}
    assert main(["fit", "--resume", str(plain_run)]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1] == str(plain_run)
    assert {path: path.stat().st_mtime_ns for path in plain_run.rglob("*")} == before


def test_a_truncated_last_checkpoint_is_an_error_before_anything_is_written(experiment, tmp_path, capsys):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by("run_helpers.CutOff", 8), name="cut")
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
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])}
    killed = subprocess.run([sys.executable, "-m", "lit_prune", *arguments], env=environment, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    run = tmp_path / "runs" / "killed" / "version_0"
    without_callbacks(run)
    resume = [sys.executable, "-m", "lit_prune", "fit", "--resume", str(run)]
    subprocess.run(resume, check=True, capture_output=True)
    assert_same(run, plain_run)
