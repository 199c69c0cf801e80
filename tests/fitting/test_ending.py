"""The end of a run: what it says, its status and its exit code."""

import json
import os
import signal
import subprocess
import sys
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest
from lightning.pytorch import Callback
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.fitting import ending
from lit_prune.fitting.ending import sigterm_exits
from lit_prune.paradigms import selection

BRIEF = ("--model.init_args.dense.steps", "2", "--model.init_args.mask.steps", "2", "--trainer.val_check_interval", "2")


class Signal(Callback):
    """Sends a signal to the process before a step."""

    def __init__(self, step: int, number: int):
        self.step = step
        self.number = number

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), self.number)


class LostSignal:
    """Sends SIGTERM to the process when it is deleted, where Python swallows the exception of a handler."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):  # the handler runs here
            pass


class LoseSignal(Callback):
    """Loses a SIGTERM before a step, at whose end Lightning stops with an exit code of 0."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            LostSignal()


class LoseWorker(LoseSignal):
    """Ends as a loader does whose worker is ended by a signal to all processes."""

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            LostSignal()
            raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated.")


def sent(number, step):
    return cut_off_by(f"{__name__}.Signal", step).replace("}}", f", number: {int(number)}}}}}")


def status(run):
    return json.loads((run / "run.json").read_text())["status"]


@pytest.mark.parametrize(("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl+C", 130)])
def test_a_signal_is_an_exit_code_and_a_run_to_resume(experiment, plain_run, tmp_path, capsys, number, name, code):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background process ignores it
    try:
        with pytest.raises(SystemExit) as ended:
            experiment(sent(number, 25), name="cut")
    finally:
        signal.signal(signal.SIGINT, before)  # Lightning ignores a second one
    run = tmp_path / "runs" / "cut" / "version_0"
    assert ended.value.code == code
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith(f"lit_prune: stopped by {name} at step 2")
    assert message.endswith(f"lit_prune fit --resume {run}")
    assert status(run) == "interrupted"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, plain_run)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("callback", [LoseSignal, LoseWorker])
def test_a_sigterm_whose_exception_is_lost_or_replaced_is_a_sigterm(experiment, plain_run, tmp_path, capsys, callback):
    with pytest.raises(SystemExit) as ended:
        experiment(cut_off_by(f"{__name__}.{callback.__name__}", 25), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    assert ended.value.code == 143
    assert capsys.readouterr().err.strip().splitlines()[-1].endswith(f"lit_prune fit --resume {run}")
    assert status(run) == "interrupted"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, plain_run)


class SignalGroup(LoseSignal):
    """Sends SIGTERM to the process and the workers of its loaders, as schedulers do."""

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            os.killpg(os.getpgrp(), signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 5, 6, 20, 25])
def test_a_sigterm_to_all_processes_of_a_run_is_one(command, plain_run, tmp_path, step):
    cut = cut_off_by(f"{__name__}.SignalGroup", step)
    path = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "lit_prune", *command(cut, "--data.num_workers=2", name="cut")],
        env=os.environ | path,
        start_new_session=True,
        capture_output=True,
        text=True,
    )
    run = tmp_path / "runs" / "cut" / "version_0"
    assert done.returncode == 143, done.stderr[-2000:]
    assert done.stderr.strip().splitlines()[-1].endswith(f"lit_prune fit --resume {run}")
    assert status(run) == "interrupted"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run), "--data.num_workers=0"]) == 0
    assert_same(run, plain_run)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_before", [True, False])
def test_a_sigterm_that_is_lost_before_or_after_training_is_one_too(monkeypatch, capsys, is_before):
    trainer, module = SimpleNamespace(is_global_zero=True, global_step=3), SimpleNamespace(folder=Path())
    monkeypatch.setattr(ending, "incomplete_reason", lambda *_: "it ended early")
    trained = []

    def train(sigterm):
        with ending.ending(trainer, module, sigterm):
            trained.append(True)
            LostSignal()

    with sigterm_exits() as sigterm:
        if is_before:
            LostSignal()
        with pytest.raises(SystemExit) as ended:
            train(sigterm)
    assert ended.value.code == 143
    assert bool(trained) != is_before
    assert "stopped by SIGTERM at step 3: start it again" in capsys.readouterr().err


def test_a_run_out_of_time_is_incomplete_and_resumes_with_more(experiment, plain_run, tmp_path, capsys):
    code, run = experiment("--trainer.max_time", "00:00:00:00")
    assert (code, status(run)) == (2, "incomplete")
    assert not (run / "metrics.json").exists()
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{run} must be complete, got an incomplete run: trainer.max_time ended it at step " in message
    assert f"--resume {run}" in message
    assert main(["fit", "--resume", str(run), "--trainer.max_time", "00:01:00:00"]) == 0
    assert_same(run, plain_run)
    assert status(run) == "completed"


def test_a_run_without_a_selected_model_is_incomplete(experiment, monkeypatch, capsys):
    selections = chain([0.5], repeat(float("nan")))  # of the dense phase, of the mask phase
    monkeypatch.setattr(selection, "mean_selection", lambda values, tasks: next(selections))
    code, run = experiment(*BRIEF)
    assert (code, status(run)) == (2, "incomplete")
    assert "without a selected model of its last phase 'mask'" in capsys.readouterr().err
    assert not (run / "metrics.json").exists()


STOP = """{class_path: lightning.pytorch.callbacks.EarlyStopping,
init_args: {monitor: selection, mode: max, patience: 1, min_delta: 2.0, check_finite: false}}"""
END = "{class_path: lit_prune.callbacks.EndPhase, init_args: {patience: 1, min_improvement: 2.0}}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--trainer.max_steps", "34"),
        (f"--trainer.callbacks+={STOP}", "--model.init_args.dense.steps", "2"),
        (f"--trainer.callbacks+={END}",),
    ],
    ids=["max_steps", "early stopping", "EndPhase"],
)
def test_an_early_end_that_leaves_a_selected_model_is_an_end_like_any_other(experiment, arguments):
    code, run = experiment("--model.init_args.schedule.init_args.end", "0.1", *arguments)
    assert (code, status(run)) == (0, "completed")
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["steps"] < 40
    assert metrics["sparsity"] == 0.5
