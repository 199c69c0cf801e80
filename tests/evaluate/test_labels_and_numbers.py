"""Runs on files of several labels and of numbers: resumed, tested, predicted and exported, they give the same."""

import csv
import json
from pathlib import Path

import pandas
import pyarrow.parquet as parquet
import pytest
import torch
import yaml
from run_helpers import assert_same, cut_off_by, without_callbacks
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import lit_prune
from lit_prune.cli import main
from lit_prune.data import GeneratedSimilarity, GeneratedTopics, MultiLabelTask, RegressionTask
from lit_prune.export.trained import read_run

REPOSITORY = Path(__file__).parents[2]
TOPICS = ["sport", "politics", "science", "music", "food", "travel"]
KINDS = ["labels", "regression"]
of_each = pytest.mark.parametrize("kind", KINDS)


def cells(kind, row):
    if kind == "labels":
        return [row["id"], row["text_a"], "", "|".join(row["labels"]), row["group"]]
    return [row["id"], row["text_a"], row["text_b"], row["label"], row["group"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Csv files of both kinds, and the configurations of their tasks: the shipped ones with other columns."""
    folder = tmp_path_factory.mktemp("own")
    sources = {"labels": GeneratedTopics, "regression": GeneratedSimilarity}
    for kind, source in sources.items():
        for split in ("train", "id"):
            with (folder / f"{kind}_{split}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["key", "first", "second", "answer", "kind"])
                rows = source(bias_rate=0.7, num_train=200, num_eval=60).rows(split, None)
                writer.writerows(cells(kind, row) for row in rows)
        config = yaml.safe_load((REPOSITORY / f"configs/data/own_{kind}.yaml").read_text())
        (task,) = (each["init_args"] for each in config["data"]["tasks"])
        columns = {"id": "key", "text_a": "first", "text_b": "second", "label": "answer", "group": "kind"}
        read_as = task["source"]["init_args"]["splits"]["train"] | {"columns": columns, "labels": None}
        if kind == "labels":
            task["labels"] = TOPICS
            read_as["separator"] = "|"
        splits = {split: read_as | {"paths": [f"{kind}_{split}.csv"]} for split in ("train", "id")}
        task["source"]["init_args"]["splits"] = splits
        config["data"]["max_length"] = 48
        (folder / f"{kind}.yaml").write_text(yaml.safe_dump(config))
    return folder


def settings(folder, kind):
    return f"--config={folder}/{kind}.yaml", f"--data.root={folder}", "--data.validation_fraction=0.2"


@pytest.fixture(scope="module")
def runs(folder, finished):
    """The folder of a complete run of each kind, pruned by movement."""
    return {kind: finished(*settings(folder, kind), config="configs/movement.yaml", name=kind) for kind in KINDS}


def recorded(run):
    """The run's rows of its `id` set."""
    return [row for row in parquet.read_table(run / "predictions.parquet").to_pylist() if row["split"] == "id"]


@of_each
def test_a_run_has_the_metrics_of_its_kind(runs, kind):
    values = json.loads((runs[kind] / "metrics.json").read_text())
    names = {"labels": ["f1_micro", "f1_music", "worst_group_f1_micro"], "regression": ["r2", "mean_absolute_error"]}
    for split in ("validation", "id"):
        assert {f"own/{split}/{name}" for name in names[kind]} <= values.keys()
    groups = {"labels": "f1_micro_opposed", "regression": "mean_absolute_error_opposed"}
    assert f"own/id/{groups[kind]}" in values
    thresholds = {name for name in values if "/threshold_" in name}
    expected = {f"own/validation/threshold_{topic}" for topic in TOPICS} if kind == "labels" else set()
    assert thresholds == expected


@of_each
def test_an_interrupted_run_resumes_bit_for_bit(runs, folder, experiment, tmp_path, kind):
    arguments = (*settings(folder, kind), cut_off_by("run_helpers.CutOff", 13))
    with pytest.raises(SystemExit):
        experiment(*arguments, config="configs/movement.yaml", name="cut")
    cut = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(cut)
    assert main(["fit", "--resume", str(cut)]) == 0
    assert_same(cut, runs[kind])


@of_each
def test_a_runs_own_rows_give_its_own_metrics(runs, folder, tmp_path, capsys, kind):
    out = tmp_path / "out"
    assert main(["test", str(runs[kind]), "--files", f"id={folder}/{kind}_id.csv", "--out", str(out)]) == 0
    own = json.loads((runs[kind] / "metrics.json").read_text())
    expected = {name: value for name, value in own.items() if name.startswith("own/id/")}
    assert json.loads((out / "metrics.json").read_text()) == pytest.approx(expected, abs=1e-5)
    main_metric = {"labels": "f1_micro", "regression": "mean_absolute_error"}[kind]
    assert f"{expected[f'own/id/{main_metric}']:.4f}" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@of_each
def test_predict_gives_the_runs_predictions(runs, folder, tmp_path, kind, suffix):
    out = tmp_path / f"predicted.{suffix}"
    texts = pandas.read_csv(folder / f"{kind}_id.csv", keep_default_na=False).drop(columns="answer")
    texts.to_csv(tmp_path / "texts.csv", index=False)
    for number, rows in enumerate((["--file", str(tmp_path / "texts.csv")], ["--split=id", f"--root={folder}"])):
        target = out.with_stem(f"predicted_{number}")
        assert main(["predict", str(runs[kind]), *rows, "--out", str(target)]) == 0
        read = {"csv": pandas.read_csv, "jsonl": pandas.read_json, "parquet": pandas.read_parquet}[suffix]
        found = read(target, **{"csv": {"keep_default_na": False}, "jsonl": {"lines": True}}.get(suffix, {}))
        rows = recorded(runs[kind])
        assert list(found["id"]) == [row["id"] for row in rows]
        logits = torch.tensor([row["logits"] for row in rows])
        if kind == "labels":
            assert list(found["prediction"]) == [row["prediction"] for row in rows]
            shares = found[[f"probability_{topic}" for topic in TOPICS]].to_numpy()
            torch.testing.assert_close(torch.tensor(shares), logits.double().sigmoid(), atol=1e-5, rtol=0)
        else:
            assert list(found["prediction"]) == pytest.approx(logits[:, 0].tolist(), abs=1e-4)


@pytest.mark.parametrize("form", ["dense", "packed"])
@of_each
def test_an_export_predicts_what_the_run_predicted(runs, folder, export, kind, form):
    place = export(runs[kind], form)
    rows = recorded(runs[kind])
    expected = torch.tensor([row["logits"] for row in rows])
    model = lit_prune.load(place)
    task = model.tasks["own"]
    table = pandas.read_csv(folder / f"{kind}_id.csv", keep_default_na=False)
    texts = [list(table[name]) for name in ("first", "second") if any(table[name])]
    inputs = model.encoder.tokenizer(*texts, padding=True, truncation=True, max_length=48, return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs).logits
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
        if form == "dense":
            plain = AutoModelForSequenceClassification.from_pretrained(place).eval()
            torch.testing.assert_close(plain(**inputs).logits, logits)
            problem = {"labels": "multi_label_classification", "regression": "regression"}[kind]
            assert plain.config.problem_type == problem
            assert AutoTokenizer.from_pretrained(place)(texts[0][0]) == model.encoder.tokenizer(texts[0][0])
    if kind == "labels":
        assert type(task) is MultiLabelTask
        assert task.thresholds == read_run(runs[kind], None).model.tasks["own"].thresholds
        assert [";".join(names) for names in task.label_sets(logits)] == [row["prediction"] for row in rows]
        card = (place / "README.md").read_text()
        assert f"sport {task.thresholds[0]:.4f}" in card
        code = card.split("```python\n")[1].split("```")[0].replace("FOLDER", repr(str(place)))
        exec(code, names := {})
        assert {*names["predictions"][0]} <= {*TOPICS}
    else:
        assert type(task) is RegressionTask


def test_files_without_the_runs_separator_are_an_error_that_names_the_line(runs, refused, tmp_path):
    (tmp_path / "own.csv").write_text("key,first,second,answer,kind\n1,A.,,sport;music,\n")
    assert "own.csv:2: unknown label 'sport;music': choose from food" in refused(
        "test", runs["labels"], "--files", f"id={tmp_path / 'own.csv'}"
    )
