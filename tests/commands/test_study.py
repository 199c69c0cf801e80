"""`lit_prune study` from its yaml to its folder: what is run, what is not run again, and what it says of errors."""

import fcntl
import gc
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from itertools import count

import pytest
import torch
import yaml

from lit_prune.cli import main

CE = ["mask/loss=ce/seed=1", "mask/loss=ce/seed=2"]


def metrics(folder):
    values = json.loads((folder / "metrics.json").read_text())
    return {name: value for name, value in values.items() if name != "wall_seconds"}


def began(out):
    return {path.parent: json.loads(path.read_text())["started"] for path in out.rglob("run.json")}


# ---- true runs ---------------------------------------------------------------------------------------------------


def test_a_study_leaves_its_runs_and_their_list(finished_study, source, names):
    assert yaml.safe_load((finished_study / "study.yaml").read_text()) == source
    listed = json.loads((finished_study / "runs.json").read_text())
    assert [each["name"] for each in listed] == names
    for each in listed:
        assert each.keys() == {"name", "axes", "folder", "status", "error", "seconds"}
        assert (each["folder"], each["status"], each["error"]) == (f"{each['name']}/version_0", "completed", None)
        run = json.loads((finished_study / each["folder"] / "run.json").read_text())
        assert (run["status"], run["axes"], run["seconds"]) == ("completed", each["axes"], each["seconds"])
        assert run["experiment"] == each["name"]
        assert list((finished_study / each["folder"]).glob("events.out.tfevents.*"))
    assert listed[-1]["axes"] == {"run": "mask", "loss": "ce", "seed": 2}


def test_masks_start_from_the_dense_run_of_their_seed(finished_study):
    for seed in (1, 2):
        dense = metrics(finished_study / f"dense/seed={seed}/version_0")
        for loss in ("poe", "ce"):
            mask = metrics(finished_study / f"mask/loss={loss}/seed={seed}/version_0")
            assert mask["steps"] == 20
            assert mask["dense/nli/id/loss"] == pytest.approx(dense["nli/id/loss"])


def test_a_run_is_compared_with_its_other_seeds_alone(finished_study, names):
    compared = {path.parent.parent for path in finished_study.rglob("stability.json")}
    assert compared == {finished_study / name for name in names if name.endswith("seed=2")}
    for run in compared:
        mean = json.loads((run / "version_0" / "stability.json").read_text())["nli/ood/accuracy/mean"]
        each = [metrics(run.with_name(seed) / "version_0")["nli/ood/accuracy"] for seed in ("seed=1", "seed=2")]
        assert mean == pytest.approx(sum(each) / 2)


def test_nothing_that_is_finished_runs_again_wherever_the_study_lies(run_study, out, fits, entries, capsys):
    before = entries()
    assert run_study() == 0
    assert (fits.called, entries()) == ([], before)
    assert capsys.readouterr().out.splitlines() == [str(out)]


def test_a_changed_value_of_an_axis_runs_what_has_it_anew_beside_the_old(run_study, out, source, entries):
    source["axes"]["loss"]["ce"]["settings"]["model.init_args.refresh_every"] = 2
    before = began(out)
    assert run_study() == 0
    after = began(out)
    assert {folder: after[folder] for folder in before} == before
    assert sorted(str(each.relative_to(out)) for each in after.keys() - before.keys()) == [f"{e}/version_1" for e in CE]
    assert [name for name, each in entries().items() if each["folder"].endswith("version_1")] == CE
    assert all(each["status"] == "completed" for each in entries().values())


def test_a_changed_dense_run_takes_its_masks_with_it_and_is_found_again(run_study, out, source, fits, entries, names):
    axis = {1: {"settings": {"seed_everything": 1, "data.batch_size": 16}}, 2: {"settings": {"seed_everything": 2}}}
    source["axes"]["seed"], given = axis, source["axes"]["seed"]
    assert run_study() == 0
    assert fits.called == [name for name in names if name.endswith("seed=1")]
    source["axes"]["seed"] = given
    assert run_study() == 0
    assert len(fits.called) == 3
    assert all(each["folder"].endswith("version_0") for each in entries().values())


@pytest.mark.slow
def test_a_study_that_is_killed_twice_ends_as_if_it_had_not_been(run_study, source, tmp_path, entries):
    """Twelve runs, first undisturbed, then in the same place (a run's settings name what it starts from) with kills."""
    source["axes"]["seed"]["values"] = [1, 2, 3, 4]
    assert run_study() == 0
    assert main(["report", str(tmp_path / "out")]) == 0
    expected = (tmp_path / "out" / "results.parquet").read_bytes()
    whole = (tmp_path / "out").rename(tmp_path / "whole")
    seed = random.randrange(2**32)
    print("random seed", seed)
    draw = random.Random(seed)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(source, sort_keys=False))
    command = [sys.executable, "-m", "lit_prune", "study", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "out")]
    finished = {}
    for num_runs in (draw.randint(1, 5), draw.randint(6, 11)):  # the last run may end before it is killed
        with subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": os.getcwd()}, stdout=subprocess.DEVNULL
        ) as process:
            while process.poll() is None:
                statuses = [e["status"] for e in entries().values()] if (tmp_path / "out/runs.json").is_file() else []
                if statuses.count("completed") == num_runs - 1 and "running" in statuses:
                    time.sleep(draw.uniform(0, 1))
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.01)
        assert process.returncode == -signal.SIGKILL
        finished |= {path.parent: began(path.parent)[path.parent] for path in (tmp_path / "out").rglob("metrics.json")}
    assert run_study() == 0
    ended = began(tmp_path / "out")
    assert {folder: ended[folder] for folder in finished} == finished
    for name, each in entries().items():
        assert each["status"] == "completed"
        assert metrics(tmp_path / "out" / each["folder"]) == metrics(whole / name / "version_0")
    assert len(entries()) == 12
    assert main(["report", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "results.parquet").read_bytes() == expected


def test_memory_does_not_grow_with_the_runs(run_study, source):
    source["runs"] = {"dense": source["runs"]["dense"]}
    del source["axes"]["loss"], source["cost"]
    del source["settings"]["trainer.enable_progress_bar"]
    seeds, sizes = count(1), []
    for _ in range(2):
        source["axes"]["seed"]["values"] = [next(seeds) for _ in range(3)]
        assert run_study() == 0
        sizes.append(num_modules())
    assert sizes[0] == sizes[1]


def num_modules():
    return sum(issubclass(type(each), torch.nn.Module) for each in gc.get_objects())


# ---- pretended runs ----------------------------------------------------------------------------------------------


def test_a_part_is_run_with_what_it_depends_on_and_all_is_listed(run_study, fits, entries):
    assert run_study("--where", "loss=ce", "seed=2") == 0
    assert fits.called == ["dense/seed=2", "mask/loss=ce/seed=2"]
    assert [each["status"] for each in entries().values()] == ["planned", "completed", *["planned"] * 3, "completed"]


def test_of_values_that_are_tried_the_best_alone_is_run_on(run_study, source, fits, entries, capsys):
    source["runs"]["mask"]["tune"] = {"axis": "loss", "where": {"seed": [1]}}
    fits.selections = {CE[0]: 0.9}
    assert run_study("--dry-run") == 0
    shown = capsys.readouterr().out
    assert re.search(r"mask/loss=ce/seed=1 +. new ", shown)
    assert re.search(r"mask/loss=ce/seed=2 +. new, if best", shown)
    assert "6 of 6 to do: about 0:08:00" in shown  # two dense runs, two masks, and of two others half
    assert run_study() == 0
    assert {name for name, each in entries().items() if each["status"] == "skipped"} == {"mask/loss=poe/seed=2"}
    assert (len(fits.called), fits.called[-1]) == (5, CE[1])
    assert run_study() == 0
    assert len(fits.called) == 5
    assert run_study("--where", "loss=poe") == 0  # as another is better
    assert len(fits.called) == 5
    fits.selections = {}
    source["axes"]["loss"]["poe"]["settings"]["model.init_args.refresh_every"] = 2
    assert run_study() == 0  # no longer
    assert fits.called[5:] == ["mask/loss=poe/seed=1"]


def test_what_fails_is_recorded_and_the_rest_goes_on(run_study, fits, entries, capsys, names):
    fits.errors["dense/seed=1"] = "it broke"
    assert run_study() == 2
    broken = [name for name in names if name.endswith("seed=1")]
    assert fits.called == [name for name in names if name not in broken[1:]]
    assert [entries()[name]["status"] for name in broken] == ["failed", "blocked", "blocked"]
    error = capsys.readouterr().err.splitlines()
    assert error[0] == "failed dense/seed=1: it broke"
    assert error[1] == "blocked mask/loss=poe/seed=1: it starts from dense/seed=1, which is failed"
    assert re.match(r"lit_prune: error: runs of .* must complete, got 3 of 6 that did not", error[3])
    assert len(error) == 4
    assert run_study("--where", "seed=2") == 0
    assert entries()[broken[0]]["error"] == "it broke"
    fits.errors.clear()
    assert run_study() == 0
    assert sorted(fits.called[4:]) == sorted(broken)
    assert all((each["status"], each["error"]) == ("completed", None) for each in entries().values())


def test_what_is_stopped_is_continued(run_study, fits, entries, tmp_path):
    fits.errors["mask/loss=poe/seed=1"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run_study()
    assert fits.called[-1] == "mask/loss=poe/seed=1"
    assert [each["status"] for each in entries().values()] == ["completed"] * 2 + ["planned"] * 4
    fits.errors.clear()
    assert run_study() == 0
    assert fits.called[2:4] == ["mask/loss=poe/seed=1"] * 2
    assert len(fits.called) == 7
    assert not list(tmp_path.rglob("version_1"))


def test_a_dry_run_says_what_would_be_run_and_what_it_takes_and_writes_nothing(run_study, fits, out, source, capsys):
    (out / "mask/loss=poe/seed=1/version_0/metrics.json").unlink()
    source["axes"]["loss"]["ce"]["settings"]["model.init_args.refresh_every"] = 2
    source["axes"]["seed"]["values"].append(3)
    before = sorted(out.rglob("*"))
    assert run_study("--dry-run") == 0
    assert (fits.called, sorted(out.rglob("*"))) == ([], before)
    shown = capsys.readouterr().out
    for name, state in {
        "dense/seed=1": "done",
        "dense/seed=3": "new",
        "mask/loss=poe/seed=1": "resume",
        "mask/loss=ce/seed=2": "changed",
        "mask/loss=ce/seed=3": "new",
    }.items():
        assert re.search(rf"{name} +│ {state} ", shown)
    assert "6 of 9 to do: about 0:00:" in shown, "seconds as the finished runs took, not minutes as the yaml says"
    shutil.rmtree(out)
    assert run_study("--dry-run") == 0
    assert "9 of 9 to do: about 0:15:00" in capsys.readouterr().out
    assert not out.exists()


def test_a_second_process_does_not_wait_but_says_so(run_study, out, capsys):
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run_study() == 2
    assert "where another process runs the study" in capsys.readouterr().err


def test_the_folder_of_another_study_is_left_alone(run_study, source, out, capsys):
    source["title"] = "other"
    before = (out / "runs.json").read_bytes()
    assert run_study() == 2
    assert "with the study 'tiny': choose another" in capsys.readouterr().err
    assert (out / "runs.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (
            {"settings": {"model.init_args.sparsety": 0.5}},
            ["run dense/seed=1: ", "unknown key model.init_args.sparsety"],
        ),
        ({"settings": {"data.batch_size": "many"}}, ["run dense/seed=1: ", "data.batch_size", "many"]),
        ({"settings": {"nothing": 1}}, ["run dense/seed=1: ", "unknown key nothing: "]),
        (
            {"settings": {"trainer.devices": 2}},
            ["run dense/seed=1: ", "trainer.devices and trainer.num_nodes must be 1", "set both to 1"],
        ),
    ],
)
def test_what_fit_does_not_know_is_one_line_before_anything_runs(
    run_study, source, fits, capsys, entries, change, parts
):
    source |= change
    assert run_study() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(part in line for part in parts)
    assert fits.called == []
    with pytest.raises(FileNotFoundError):
        entries()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["/no/such.yaml"], "study must be an existing file, got /no/such.yaml: check the path"),
        (["srnets_fig2"], "choose from papers/liu2022/demo/srnets_fig2, papers/liu2022/paper/srnets_fig2"),
        (["configs/studies/task_masks.yaml"], "task_masks.yaml: choose from papers/xia2021/demo/task_masks"),
        ([], "study"),
        (["configs/papers/liu2022/demo/srnets_fig2.yaml", "--sparsity=1"], "unknown key sparsity: "),
    ],
)
def test_wrong_arguments_are_one_clear_error(arguments, part, capsys):
    assert main(["study", *arguments]) == 2
    assert part in capsys.readouterr().err.splitlines()[-1]


def test_a_shipped_study_is_found_by_name_as_are_its_configurations(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["study", "demo/task_masks", "--where", "seed=1", "--dry-run"]) == 0
    assert "4 of 4 to do" in capsys.readouterr().out
    assert main(["study", "demo/task_masks", "--where", "seed=3", "--dry-run"]) == 2


def test_a_budget_is_checked_before_the_first_run(run_study, source, tmp_path, capsys):
    source["budget"] = {"steps": 123456}
    assert run_study() == 2
    assert "must take 123456 optimizer steps (budget.steps)" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("run.json"))
