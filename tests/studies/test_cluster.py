"""A study on a Ray of this machine."""

import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.studies import engine
from lit_prune.studies.cluster import Resources, fit_on_worker
from lit_prune.studies.ledger import lock_run

TWO_AT_ONCE = ("--address", "local", "--each.cpus", str((os.cpu_count() or 1) / 2))


def metrics(out):
    """The metrics of each run, times aside."""
    found = {}
    for path in sorted(out.rglob("metrics.json")):
        values = json.loads(path.read_text())
        found[str(path.parent.relative_to(out))] = {key: values[key] for key in values if key != "wall_seconds"}
    return found


@pytest.mark.slow
def test_a_study_on_ray_is_the_study(run_study, tmp_path, finished_study, capsys):
    assert run_study(*TWO_AT_ONCE) == 0
    assert metrics(tmp_path / "out") == metrics(finished_study)
    assert "6 of 6 done" in capsys.readouterr().out


@pytest.fixture
def fits(monkeypatch):
    """What `fit` is called with in place of being run."""
    called = []
    monkeypatch.setattr(engine, "run_fit", lambda arguments, output: called.append(tuple(arguments)))
    monkeypatch.setattr(os, "chdir", lambda path: None)
    return called


def test_a_run_that_was_lost_goes_on_where_it_was(fits, tmp_path):
    folder, output = tmp_path / "run/version_0", tmp_path / "run/output.txt"
    arguments = ("--config=a.yaml", "--model.init_args.start_from=b", "--experiment=run")
    fit_on_worker(arguments, folder, output, tmp_path)
    folder.mkdir()
    (folder / "events").write_text("")
    fit_on_worker(arguments, folder, output, tmp_path)
    assert fits == [arguments] * 2
    assert not folder.exists()  # it had no settings yet
    folder.mkdir()
    (folder / "config.yaml").write_text("")
    fit_on_worker(arguments, folder, output, tmp_path)
    assert fits[2:] == [("--resume", str(folder), "--model.init_args.start_from=b")]
    (folder / "metrics.json").write_text("{}")
    assert fit_on_worker(arguments, folder, output, tmp_path) is None
    assert len(fits) == 3


def test_a_run_waits_until_another_process_has_let_it_go(fits, tmp_path):
    code = "import sys, time; from pathlib import Path; from lit_prune.studies.ledger import lock_run\n"
    code += "with lock_run(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"held\n"
    waiting = subprocess.Popen([sys.executable, "-c", code.replace("time.sleep(60)", "pass"), str(tmp_path)])
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=1)
    other.kill()
    assert waiting.wait(timeout=60) == 0
    with lock_run(tmp_path):
        pass


@pytest.mark.parametrize(
    "wrong", [{"cpus": -1}, {"cpus": 0}, {"gpus": -0.5}, {"retries": -1}], ids=lambda wrong: next(iter(wrong))
)
def test_resources_that_make_no_sense_are_an_error(wrong):
    with pytest.raises(UserError, match="must not be negative, with a core or a GPU"):
        Resources(**wrong)


def test_what_cannot_be_had_is_one_error(run_study, capsys, monkeypatch):
    assert run_study("--address", "local", "--each.gpus", "7") == 2
    assert "--each must fit on a machine at --address local, got 1 cores and 7 GPUs" in capsys.readouterr().err
    assert run_study("--address", "127.0.0.1:1") == 2
    assert "--address must be a running Ray cluster, got 127.0.0.1:1" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run_study("--address", "local") == 2
    assert 'pip install "lit_prune[cluster]"' in capsys.readouterr().err


def completed(out):
    return len(list(out.rglob("metrics.json")))


def wait_for(out, num, driver):
    end = time.monotonic() + 300
    while completed(out) < num:
        assert driver.poll() is None, "the driver has ended"
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a driver's Ray ends with it on Linux only")
def test_what_is_killed_is_made_good(source, run_study, tmp_path):
    source["axes"]["seed"]["values"] = list(range(1, 9))
    assert run_study() == 0
    undisturbed = tmp_path / "undisturbed"
    (tmp_path / "out").rename(undisturbed)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "lit_prune", "study", str(tmp_path / "tiny.yaml"), "--out", str(out), *TWO_AT_ONCE]
    driver = subprocess.Popen(command)
    wait_for(out, 4, driver)
    workers = [each for each in psutil.Process(driver.pid).children(recursive=True) if "fit_on_worker" in each.name()]
    workers[0].kill()
    wait_for(out, 9, driver)
    driver.kill()
    driver.wait()
    began = {path.parent: path.stat().st_mtime for path in out.rglob("metrics.json")}
    assert len(began) < 24
    assert subprocess.run(command).returncode == 0
    for folder in (out, undisturbed):
        assert main(["report", str(folder)]) == 0
    assert (out / "results.parquet").read_bytes() == (undisturbed / "results.parquet").read_bytes()
    assert all((folder / "metrics.json").stat().st_mtime == then for folder, then in began.items())
