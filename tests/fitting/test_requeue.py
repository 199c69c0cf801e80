"""SLURM jobs that go back into the queue: who calls `scontrol`, and that the same command goes on with the run."""

import json
import os
import signal
from pathlib import Path

import pytest
from lightning.pytorch import Callback
from run_helpers import assert_same, cut_off_by

from lit_prune.cli import main
from lit_prune.fitting.requeue import begun_before_requeue, requeue_on_signal

INTERACTIVE = {"SLURM_JOB_ID": "77", "SLURM_JOB_NAME": "interactive"}  # Lightning counts the devices itself


class Cut(Callback):
    """What SLURM does at the time limit: a warning, answered by going back into the queue, then the end."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGUSR1)
            raise KeyboardInterrupt


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """The file in which a stand-in for `scontrol` writes what it is called with, in a job's environment."""
    program = tmp_path / "bin" / "scontrol"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$2" != 13 ] || {{ echo no such job >&2; exit 1; }}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    for name, value in INTERACTIVE.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "calls"


@pytest.mark.parametrize("step", [5, 27])
def test_a_requeued_job_goes_on_in_the_same_folder_bit_for_bit(
    calls, experiment, tmp_path, plain_run, monkeypatch, step
):
    with pytest.raises(SystemExit):  # as Lightning ends on the signal of SLURM, or of a keyboard
        experiment(cut_off_by(f"{__name__}.Cut", step))
    assert calls.read_text() == "requeue 77\n"
    (run,) = (tmp_path / "runs" / "e2e").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    monkeypatch.setattr(Cut, "on_train_batch_start", Callback.on_train_batch_start)
    assert experiment(cut_off_by(f"{__name__}.Cut", step)) == (0, run)
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]
    assert_same(run, plain_run)
    assert experiment()[0] == 0  # a job that was requeued once more after its end begins anew
    assert len(list(run.parent.iterdir())) == 2


def test_only_the_first_process_asks_and_a_refusal_is_told(calls, capsys, monkeypatch):
    before = signal.getsignal(signal.SIGUSR1)
    for rank, job in [("1", "77"), ("0", "13")]:
        monkeypatch.setenv("SLURM_PROCID", rank)
        monkeypatch.setenv("SLURM_JOB_ID", job)
        with requeue_on_signal():
            signal.raise_signal(signal.SIGUSR1)
        assert calls.exists() == (rank == "0")
    assert calls.read_text() == "requeue 13\n"
    assert "scontrol requeue 13 failed: no such job" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGUSR1) == before


def test_without_a_job_the_signal_is_left_alone(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    before = signal.getsignal(signal.SIGUSR1)
    with requeue_on_signal():
        assert signal.getsignal(signal.SIGUSR1) == before


def write(folder: Path, **record):
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(record))


def test_the_run_of_this_job_that_is_not_done_is_found(tmp_path, monkeypatch):
    write(tmp_path / "version_0", job="77", status="completed", started=1)
    write(tmp_path / "version_1", job="77", status="running", started=2)
    write(tmp_path / "version_2", job="77", status="failed", started=3)
    write(tmp_path / "version_3", job="78", status="running", started=4)
    write(tmp_path / "version_4", status="running", started=5)
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    assert begun_before_requeue(tmp_path) is None  # this job was never requeued
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert begun_before_requeue(tmp_path) == tmp_path / "version_2"
    monkeypatch.setenv("SLURM_JOB_ID", "79")
    assert begun_before_requeue(tmp_path) is None
    monkeypatch.delenv("SLURM_JOB_ID")
    assert begun_before_requeue(tmp_path) is None


def test_an_explicit_resume_is_not_second_guessed(calls, plain_run, monkeypatch, capsys):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert main(["fit", "--resume", str(plain_run)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(plain_run)
