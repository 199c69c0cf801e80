"""One run, as its folder tells."""

import json

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
