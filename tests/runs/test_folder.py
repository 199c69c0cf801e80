"""The folder of a run: one process has it, and what was never used is not left behind."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.runs.folder import claimed, locked

BRIEF = ("--model.init_args.dense.steps", "2", "--model.init_args.mask.steps", "2", "--trainer.val_check_interval", "2")


def test_folders_are_numbered_and_removed_where_nothing_was_written(tmp_path):
    experiment = tmp_path / "new" / "experiment"
    with claimed(experiment) as folder:
        assert folder == experiment / "version_0"
        assert folder.is_dir()
    assert not list(tmp_path.iterdir())
    (experiment / "version_7").mkdir(parents=True)
    (experiment / "version_x").mkdir()
    with claimed(experiment) as folder:
        (folder / "run.json").write_text("{}")
    assert folder == experiment / "version_8"
    assert folder.is_dir()


def test_an_error_releases_the_folder_and_leaves_the_users_own_empty_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), claimed(tmp_path / "experiment"):
        raise ZeroDivisionError
    assert tmp_path.is_dir()
    assert not list(tmp_path.iterdir())


def test_whoever_claims_at_the_same_time_gets_a_folder_of_their_own(tmp_path):
    with ExitStack() as stack, ThreadPoolExecutor(16) as pool:
        folders = list(pool.map(lambda _: stack.enter_context(claimed(tmp_path / "a" / "b")), range(64)))
        assert sorted(folders) == sorted(tmp_path / "a" / "b" / f"version_{number}" for number in range(64))


def test_a_place_where_no_folder_can_be_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(UserError, match=f"can be created, got {tmp_path}/file/experiment"),
        claimed(tmp_path / "file" / "experiment"),
    ):
        pass


def test_a_run_does_not_lie_in_another(tmp_path):
    run = tmp_path / "experiment" / "version_0"
    (run / "checkpoints").mkdir(parents=True)
    for name in ("run.json", "config.yaml"):
        (run / name).write_text("{}")
    for place in (run, run / "checkpoints", run / "own" / "experiment"):
        with pytest.raises(UserError, match=f"outside of runs, got {place} in the run {run}: "), claimed(place):
            pass
    assert not (run / "own").exists()
    with claimed(run.parent) as folder:
        assert folder.name == "version_1"


def test_a_run_that_is_trained_is_not_trained_by_another_process(tmp_path):
    left = tmp_path / "checkpoints" / ".last.ckpt.7.partial"
    left.parent.mkdir()
    left.write_text("half")
    with locked(tmp_path):
        assert not left.exists()
        with pytest.raises(UserError, match="another process trains the run in"), locked(tmp_path):
            pass
    with locked(tmp_path):  # released
        pass


def test_runs_without_a_logger_have_folders_too_and_resume(experiment):
    for _ in range(2):
        code, run = experiment(*BRIEF, "--trainer.logger", "false", name="silent")
        assert code == 0
    first, second = sorted(run.parent.iterdir())
    for run in (first, second):
        assert not list(run.glob("events.out*"))
        assert {"config.yaml", "run.json", "metrics.json", "checkpoints"} <= {path.name for path in run.iterdir()}
    assert len({json.loads((run / "run.json").read_text())["id"] for run in (first, second)}) == 2
    (second / "metrics.json").unlink()
    assert main(["fit", "--resume", str(second)]) == 0
    assert (second / "metrics.json").is_file()


def test_a_run_that_was_moved_resumes_where_it_is(experiment, tmp_path):
    _, run = experiment(*BRIEF)
    moved = (tmp_path / "elsewhere").resolve()
    run.rename(moved)
    (moved / "metrics.json").unlink()
    assert main(["fit", "--resume", str(moved)]) == 0
    assert (moved / "metrics.json").is_file()
    assert not run.exists()


@pytest.mark.slow
def test_ten_runs_started_together_have_ten_folders_and_ten_results(command, tmp_path):
    arguments = command(*BRIEF, name="together")
    started = [
        subprocess.Popen([sys.executable, "-m", "lit_prune", *arguments], stderr=subprocess.PIPE) for _ in range(10)
    ]
    for process in started:
        _, error = process.communicate(timeout=500)
        assert process.returncode == 0, error.decode()[-2000:]
    runs = list((tmp_path / "runs" / "together").iterdir())
    assert sorted(run.name for run in runs) == sorted(f"version_{number}" for number in range(10))
    ids = {json.loads((run / "run.json").read_text())["id"] for run in runs}
    assert len(ids) == len([run for run in runs if (run / "metrics.json").is_file()]) == 10
