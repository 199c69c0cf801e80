"""`lit_prune predict`: what the run's model said of its rows, said again of the same rows without labels."""

import json
import shutil

import numpy as np
import pandas
import pyarrow.parquet as parquet
import pytest
import torch

from lit_prune.cli import main

READ = {
    ".csv": pandas.read_csv,
    ".jsonl": lambda path: pandas.read_json(path, lines=True),
    ".parquet": pandas.read_parquet,
}
CLASSES = ["contradiction", "entailment", "neutral"]


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("name", ["finished_run", "finished_roberta_run", "finished_dense_run"])
def test_the_models_own_predictions_without_labels(name, request, set_file, tmp_path, kind, capsys):
    run = request.getfixturevalue(name)
    pandas.read_csv(set_file("id")).drop(columns=["label", "group"]).to_csv(tmp_path / "texts.csv", index=False)
    out = tmp_path / "new" / f"predicted{kind}"
    capsys.readouterr()  # of making the run
    assert main(["predict", str(run), "--file", str(tmp_path / "texts.csv"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"

    rows = READ[kind](out)
    expected = [row for row in parquet.read_table(run / "predictions.parquet").to_pylist() if row["split"] == "id"]
    assert list(rows) == ["id", "prediction", *(f"probability_{label}" for label in CLASSES)]
    assert list(rows["id"]) == [row["id"] for row in expected]
    assert list(rows["prediction"]) == [row["prediction"] for row in expected]
    logits = np.array([row["logits"] for row in expected], dtype=np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rows.iloc[:, 2:].to_numpy(), probabilities, atol=1e-5)


def test_every_row_comes_once_in_its_place_whatever_its_length(finished_run, tmp_path):
    lengths = [9, 1, 30, 1, 5]
    lines = [json.dumps({"words": " ".join(["man"] * length)}) for length in lengths]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines))
    found = {}
    for size in (1, 2, 64):
        out = tmp_path / f"{size}.parquet"
        arguments = ["--file", str(tmp_path / "texts.jsonl"), "--columns", "{text_a: words}", "--batch_size", str(size)]
        assert main(["predict", str(finished_run), "--out", str(out), *arguments]) == 0
        found[size] = pandas.read_parquet(out)
        assert list(found[size]["id"]) == ["1", "2", "3", "4", "5"]
    values = {size: rows.iloc[:, 2:].to_numpy() for size, rows in found.items()}
    np.testing.assert_allclose(values[1], values[64], atol=1e-5)
    np.testing.assert_allclose(values[2], values[64], atol=1e-5)
    np.testing.assert_allclose(values[64][1], values[64][3], atol=1e-6)  # equal texts
    np.testing.assert_allclose(values[64].sum(axis=1), 1)


TEXTS = "id,text_a,text_b\n1,A,B\n"


@pytest.mark.parametrize(
    ("name", "content", "out", "arguments", "message"),
    [
        ("a.csv", None, "b.csv", [], "a.csv must be a file, got none"),
        ("a.xlsx", TEXTS, "b.csv", [], ".csv, .jsonl, .parquet, .tsv"),
        ("a.csv", TEXTS, "b.xlsx", [], ".parquet, .csv, .jsonl"),
        ("a.csv", TEXTS, "a.csv", [], "must be a new file"),
        ("a.csv", TEXTS, "a.csv/b.csv", [], "must be in a folder that you may write to"),
        ("a.csv", "", "b.csv", [], "must have rows"),
        ("a.csv", "id,text_a\n", "b.csv", [], "must have rows"),
        (
            "a.csv",
            "texts\nA\n",
            "b.csv",
            [],
            "a.csv: unknown column 'text_a' in `columns`: did you mean texts? Choose from texts",
        ),
        ("a.csv", TEXTS + "2, ,B\n", "b.csv", [], "a.csv:3: column 'text_a' must hold a text"),
        ("a.csv", TEXTS, "b.csv", ["--columns", "{text_a: premise}"], "unknown column 'premise'"),
        ("a.csv", TEXTS, "b.csv", ["--columns", "{text_a: text_a, label: id}"], "remove ['label']"),
        ("a.csv", TEXTS, "b.csv", ["--task", "qa"], "'qa'"),
        ("a.csv", TEXTS, "b.csv", ["--batch_size", "0"], "batch_size must be positive, got 0"),
        ("a.csv", TEXTS, "b.csv", ["--device", "tpu"], "'tpu'"),
    ],
)
def test_what_is_wrong_is_one_error_and_leaves_nothing(
    finished_run, tmp_path, refused, name, content, out, arguments, message
):
    if content is not None:
        (tmp_path / name).write_text(content)
    line = refused("predict", finished_run, "--file", tmp_path / name, "--out", tmp_path / out, *arguments)
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == [name] * (content is not None)


@pytest.mark.parametrize(("missing", "message"), [("*", "give a run"), ("metrics.json", "--resume")])
def test_a_run_must_be_there_and_finished(finished_run, set_file, tmp_path, refused, missing, message):
    run = tmp_path / "version_0"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns(missing))
    assert message in refused("predict", run, "--file", set_file("id"), "--out", tmp_path / "b.csv")


@pytest.mark.parametrize("split", ["id", "ood"])
def test_the_runs_own_rows_are_predicted_as_the_run_itself_did(finished_run, tmp_path, split):
    out = tmp_path / "own.parquet"
    assert main(["predict", str(finished_run), "--split", split, "--out", str(out)]) == 0
    rows = pandas.read_parquet(out)
    expected = [row for row in parquet.read_table(finished_run / "predictions.parquet").to_pylist()]
    expected = [row for row in expected if row["split"] == split]
    assert list(rows) == ["id", "prediction", *(f"probability_{label}" for label in CLASSES)]
    assert list(rows["id"]) == [row["id"] for row in expected]
    logits = torch.tensor([row["logits"] for row in expected], dtype=torch.float64)
    np.testing.assert_allclose(rows.iloc[:, 2:].to_numpy(), logits.softmax(-1).numpy(), atol=1e-5)
    assert list(rows["prediction"]) == [CLASSES[number] for number in logits.argmax(-1)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either --file or --split must be set"),
        (["--split", "train", "--file", "a.csv"], "either --file or --split must be set"),
        (["--split", "dev"], "choose from train, id, ood"),
        (["--split", "train", "--columns", "{text_a: a}"], "--columns must be left out with --split train"),
    ],
)
def test_either_a_file_or_the_runs_own_rows(finished_run, tmp_path, refused, arguments, message):
    assert message in refused("predict", finished_run, "--out", tmp_path / "b.csv", *arguments)
