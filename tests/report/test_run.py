"""One run, as its folder tells."""

import json
from dataclasses import replace

import pytest

from lit_prune.report.run import read_run


def test_numbers_are_there_once_the_run_is_complete(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"axes": {"seed": 3}, "status": "running", "seconds": 4.0}))
    run, numbers = read_run(tmp_path, {"name": "a", "folder": "."})
    assert (run.status, run.seconds, run.axes, numbers) == ("running", 4.0, {"seed": 3}, {})
    (tmp_path / "metrics.json").write_text(json.dumps({"nli/id/loss": 1, "denominator": "all", "wall_seconds": 9.0}))
    run, numbers = read_run(tmp_path, {"name": "a", "folder": "."})
    assert (run.status, numbers) == ("completed", {"nli/id/loss": 1.0})


def test_speed_that_was_measured_later_is_among_the_numbers(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "speed.json").write_text(json.dumps({"dense_fp32_seconds": 0.25, "device": "cpu", "sparsity": 0.1}))
    assert read_run(tmp_path, {"name": "a", "folder": "."})[1] == {}  # the run is not complete
    (tmp_path / "metrics.json").write_text(json.dumps({"sparsity": 0.5}))
    numbers = read_run(tmp_path, {"name": "a", "folder": "."})[1]
    assert numbers == {"dense_fp32_seconds": 0.25, "sparsity": 0.5}
    (tmp_path / "speed.json").write_text("[]")
    with pytest.warns(UserWarning, match=r"speed\.json must contain a JSON object"):
        run, numbers = read_run(tmp_path, {"name": "a", "folder": "."})
    assert (run.status, numbers) == ("completed", {"sparsity": 0.5})  # the speeds alone are lost


def test_a_damaged_file_costs_the_run_and_is_named(tmp_path):
    for content, error in (("[", "run.json must be valid JSON"), ("[]", "run.json must contain a JSON object")):
        (tmp_path / "run.json").write_text(content)
        (tmp_path / "metrics.json").write_text("{}")
        run, numbers = read_run(tmp_path, {"name": "a", "folder": ".", "status": "completed"})
        assert (run.status, numbers) == ("damaged", {})
        assert error in run.error


def test_texts_are_short_and_can_be_written(tmp_path):
    record = {
        "commit": "\ud800",
        "config_hash": "y" * 10_000,
        "versions": {"lit_prune": [7]},
        "hardware": {"device": "\ud800"},
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    planned = {"name": "n" * 1000, "folder": ".", "status": "\ud800", "error": "![" * 10_000}
    run, _ = read_run(tmp_path, planned)
    assert (run.commit, run.status, run.lit_prune) == ("?", "?", "[7]")
    assert run.hardware.startswith("1 x ?")
    assert [len(text) for text in (run.name, run.config_hash, run.error)] == [400, 400, 400]
    assert run.error.endswith("[!…")


def test_experiment_and_selection_are_texts(tmp_path):
    record = {"experiment": "e" * 1000, "selection": {"nli": "accuracy", "sts": ["f1"], "qa": "m" * 1000}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    run, _ = read_run(tmp_path, {"name": "a", "folder": "."})
    assert len(run.experiment) == 400
    assert {task: len(metric) for task, metric in run.selection.items()} == {"nli": 8, "qa": 400}
    (tmp_path / "run.json").write_text(json.dumps({"selection": ["nli"]}))
    run, _ = read_run(tmp_path, {"name": "a", "folder": "."})
    assert (run.experiment, run.selection) == (None, {})


def test_the_round_is_no_part_of_a_runs_base_name(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    run, _ = read_run(tmp_path, {"name": "a/round_1", "folder": "."})
    assert run.base_name == "a/round_1"
    assert replace(run, files="round_1_").base_name == "a"


def test_a_number_that_no_table_holds_is_ignored(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "metrics.json").write_text(json.dumps({"x" * 1000: 1, "\ud800/id/accuracy": 1, "y": 2}))
    (tmp_path / "speed.json").write_text(json.dumps({"large": 10**400, "infinite": float("inf"), "seconds": 3}))
    assert read_run(tmp_path, {"name": "a", "folder": "."})[1] == {"?/id/accuracy": 1, "y": 2, "seconds": 3}


def test_a_folder_that_cannot_be_is_a_damaged_run(tmp_path):
    run, numbers = read_run(tmp_path, {"name": "a", "folder": "x" * 300, "status": "completed"})
    assert (run.status, numbers) == ("damaged", {})
    assert "must be readable, got File name too long" in run.error
