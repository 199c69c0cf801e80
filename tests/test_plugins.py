"""A kind of task and a format of exports, each in one file outside of the package, used by class path."""

import csv
import json

import numpy as np
import pandas
import pyarrow.parquet as parquet
import pytest
import torch
import yaml
from plugins.int8 import Int8
from plugins.rating import Rating
from run_helpers import assert_same, cut_off_by, without_callbacks

import lit_prune
from lit_prune.cli import main
from lit_prune.data import GeneratedNli
from lit_prune.errors import UserError
from lit_prune.export.trained import read_run
from lit_prune.runs.summary import print_summary

STEPS = ["contradiction", "neutral", "entailment"]
ROWS = {"version": 1, "bias_rate": 0.9, "num_train": 120, "num_eval": 40}
PLUGINS = ("--plugins", "plugins.rating", "plugins.int8")


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """Arguments that make a configuration one of ratings."""
    source = {"class_path": "lit_prune.data.GeneratedNli", "init_args": ROWS}
    settings = {"name": "rating", "steps": STEPS, "source": source}
    path = tmp_path_factory.mktemp("ratings") / "ratings.yaml"
    path.write_text(
        yaml.safe_dump({"data": {"tasks": [{"class_path": "plugins.rating.Rating", "init_args": settings}]}})
    )
    return "--config", str(path), "--trainer.val_check_interval=4", "--data.validation_fraction=0.2"


@pytest.fixture(scope="module")
def run(finished, ratings):
    return finished(*ratings, config="configs/movement.yaml", name="ratings")


@pytest.fixture
def read_again(run):
    trained = read_run(run, None, PLUGINS[1:])
    assert type(trained.model.tasks["rating"]) is Rating
    return trained


def recorded(run, split="id"):
    rows = parquet.read_table(run / "predictions.parquet").to_pylist()
    return {row["id"]: float(row["prediction"]) for row in rows if row["split"] == split}


def test_a_kind_trains_and_its_metrics_are_recorded_and_shown(run, capsys):
    metrics = json.loads((run / "metrics.json").read_text())
    labels = {row["id"]: STEPS.index(row["label"]) for row in GeneratedNli(**ROWS).rows("id", None)}
    errors = [abs(said - labels[name]) for name, said in recorded(run).items()]
    assert metrics["rating/id/agreement"] == np.mean(np.array(errors) < 0.5)
    assert metrics["rating/id/absolute_error"] == pytest.approx(np.mean(errors))
    assert "constant/rating/id/agreement" in metrics
    print_summary(run)
    shown = capsys.readouterr().out
    assert "selected by validation agreement" in shown
    assert "ID absolute error" in shown


def test_a_kind_resumes_to_equal_bits(run, ratings, experiment, tmp_path):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*ratings, cut_off_by("run_helpers.CutOff", 9), config="configs/movement.yaml", name="cut")
    (cut,) = tmp_path.rglob("cut/version_0")
    without_callbacks(cut)
    assert main(["fit", "--resume", str(cut)]) == 0
    assert_same(cut, run)


def test_a_kind_is_tested_and_predicted(run, tmp_path, capsys):
    rows = list(GeneratedNli(**ROWS).rows("id", None))
    with (tmp_path / "id.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert (
        main(["test", str(run), "--files", f"id={tmp_path / 'id.csv'}", "--out", str(tmp_path / "out"), *PLUGINS]) == 0
    )
    assert "agreement" in capsys.readouterr().out
    found, own = (json.loads((each / "metrics.json").read_text()) for each in (tmp_path / "out", run))
    assert found == pytest.approx({name: own[name] for name in found}, abs=1e-5)
    for where in (["--split", "id"], ["--file", str(tmp_path / "id.csv")]):
        out = tmp_path / f"{where[0]}.csv"
        assert main(["predict", str(run), *where, "--out", str(out), *PLUGINS]) == 0
        said = pandas.read_csv(out).set_index("id")["prediction"]
        assert said.to_dict() == pytest.approx(recorded(run), abs=1e-4)


@pytest.mark.parametrize("form", ["packed", "dense", "plugins.int8.Int8"])
def test_a_kind_is_exported_and_loaded_by_its_plugin(run, read_again, form, tmp_path):
    assert main(["export", str(run), "--format", form, "--out", str(tmp_path / "out"), *PLUGINS]) == 0
    assert "rating: a number on a scale" in (tmp_path / "out" / "README.md").read_text()
    model = lit_prune.load(tmp_path / "out", plugins=PLUGINS[1:])
    inputs = model.encoder.tokenizer(["the doctor", "a nurse"], ["a", "b c"], padding=True, return_tensors="pt")
    inputs["length"] = inputs["attention_mask"].sum(1) / 64
    with torch.inference_mode():
        logits, expected = model(**inputs).logits, read_again.model(**inputs).logits
    torch.testing.assert_close(logits, expected, atol=0.05 if "int8" in form else 1e-6, rtol=0)
    lacking, message = ([], r"unknown class 'plugins\.rating\.Rating' of task 'rating'")
    if "int8" in form:
        lacking, message = (["plugins.rating"], "must have one of")
    with pytest.raises(UserError, match=message):
        lit_prune.load(tmp_path / "out", plugins=lacking)


def test_a_format_is_used_by_its_class_path(finished_run, tmp_path, difference):
    command = ["export", str(finished_run), "--out", str(tmp_path / "out"), "--format", "plugins.int8.Int8"]
    assert main(command) == 2
    assert main([*command, "--plugins", "plugins.int8"]) == 0
    size = (tmp_path / "out" / Int8.files[0]).stat().st_size
    assert size < (finished_run / "checkpoints" / "best.ckpt").stat().st_size / 2
    assert ", int8, float32" in (tmp_path / "out" / "README.md").read_text()
    model = lit_prune.load(tmp_path / "out", plugins=["plugins.int8"])
    assert 0 < difference(model, model.encoder.tokenizer, finished_run) < 0.1
