"""Metrics from predictions on disk, against what the run recorded of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from records import write_predictions

from lit_prune.report.results import Key
from lit_prune.report.rows import read_rows, row_statistic
from lit_prune.report.run import read_run

METRICS = ("accuracy", "accuracy_entailment", "predicted_share_entailment", "loss", "auroc")


def run(folder, files=""):
    return replace(read_run(folder, {"name": "run", "folder": "."})[0], files=files)


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_is_the_recorded_one_when_every_row_counts_once(tmp_path, metric):
    recorded = write_predictions(tmp_path / "predictions.parquet", seed=1)[metric]
    rows = read_rows(run(tmp_path), Key("result", "nli", "ood", metric))
    statistic = row_statistic(rows, metric, recorded)
    assert statistic(np.full((1, 80), 1 / 80)) == pytest.approx(recorded, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_of_some_rows_is_that_of_a_file_with_these_rows(tmp_path, metric):
    recorded = write_predictions(tmp_path / "predictions.parquet", seed=1)[metric]
    statistic = row_statistic(read_rows(run(tmp_path), Key("result", "nli", "ood", metric)), metric, recorded)
    rows = read_rows(run(tmp_path), Key("result", "nli", "ood", metric))
    half = np.arange(80) < 40
    right = rows.labels == rows.predictions
    expected = {
        "accuracy": right[half].mean(),
        "accuracy_entailment": right[half & (rows.labels == "entailment")].mean(),
        "predicted_share_entailment": (rows.predictions[half] == "entailment").mean(),
        "loss": rows.losses[half].mean(),
    }
    if metric in expected:
        assert statistic(half[None] / 40) == pytest.approx(expected[metric])
    assert statistic(half[None] / 40) != pytest.approx(recorded, abs=1e-4)


def test_a_value_that_the_rows_do_not_give_has_no_statistic(tmp_path):
    recorded = write_predictions(tmp_path / "predictions.parquet", seed=1)
    rows = read_rows(run(tmp_path), Key("result", "nli", "ood", "accuracy"))
    assert row_statistic(rows, "accuracy", recorded["accuracy"] + 0.01) is None
    assert row_statistic(rows, "auroc", recorded["auroc"] + 0.01) is None
    assert row_statistic(rows, "accuracy_overlap_high", recorded["accuracy"]) is None


def test_rows_that_are_not_there_are_none(tmp_path):
    write_predictions(tmp_path / "predictions.parquet", seed=1)
    assert read_rows(run(tmp_path), Key("result", "nli", "id", "accuracy")) is None
    assert read_rows(run(tmp_path), Key("dense", "nli", "ood", "accuracy")) is None
    assert read_rows(run(tmp_path), Key("dense_shifted", "nli", "ood", "accuracy")) is None


def test_rows_are_the_same_when_ids_and_labels_are(tmp_path):
    for name, seed, num in [("a", 1, 80), ("b", 2, 80), ("c", 1, 40)]:
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name / "predictions.parquet", seed=seed, num=num)
    a, b, c = (read_rows(run(tmp_path / name), Key("result", "nli", "ood", "accuracy")) for name in "abc")
    assert a.has_same_rows(b)
    assert not a.has_same_rows(c)


@pytest.mark.parametrize("metric", ["accuracy", "auroc", "loss", "accuracy_entailment", "predicted_share_entailment"])
@pytest.mark.parametrize("model", ["result", "dense"])
def test_a_real_runs_metrics_come_from_its_rows(finished_run, model, metric):
    metrics = json.loads((finished_run / "metrics.json").read_text())
    key = Key(model, "nli", "ood", metric)
    recorded = metrics[f"{'dense/' * (model == 'dense')}{key.name}"]
    statistic = row_statistic(read_rows(run(finished_run), key), metric, recorded)
    assert statistic(np.full((1, 60), 1 / 60)) == pytest.approx(recorded, rel=1e-5)


def test_a_round_has_rows_of_its_own(tmp_path):
    write_predictions(tmp_path / "predictions.parquet", seed=1)
    write_predictions(tmp_path / "round_2_predictions.parquet", seed=2)
    own = read_rows(run(tmp_path, "round_2_"), Key("result", "nli", "ood", "accuracy"))
    assert not np.array_equal(own.logits, read_rows(run(tmp_path), Key("result", "nli", "ood", "accuracy")).logits)


def test_damaged_rows_are_none_with_a_warning(tmp_path):
    path = tmp_path / "predictions.parquet"
    path.write_bytes(b"x" * 100)
    with pytest.warns(UserWarning, match=r"predictions\.parquet must be readable as parquet"):
        assert read_rows(run(tmp_path), Key("result", "nli", "ood", "accuracy")) is None
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.warns(UserWarning, match=r"predictions\.parquet must be a file of its folder, got a link"):
        assert read_rows(run(tmp_path), Key("result", "nli", "ood", "accuracy")) is None
