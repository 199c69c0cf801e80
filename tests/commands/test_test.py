"""`lit_prune test`: the run's own figures on its own rows, and what is refused."""

import json
import shutil

import numpy as np
import pyarrow.parquet as parquet
import pytest

from lit_prune.cli import main

RUNS = ["finished_run", "finished_roberta_run", "finished_dense_run"]


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("name", RUNS)
def test_a_runs_own_rows_give_its_own_metrics_and_logits(name, request, set_file, tmp_path, capsys):
    run = request.getfixturevalue(name)
    files = [f"{split}={set_file(split)}" for split in ("id", "ood")]
    assert main(["test", str(run), "--files", *files, "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "out")

    own = {key: value for key, value in metrics_of(run).items() if key.startswith(("nli/id/", "nli/ood/"))}
    assert len(own) > 20
    assert metrics_of(tmp_path / "out") == pytest.approx(own, abs=1e-6)

    read, expected = (parquet.read_table(each / "predictions.parquet") for each in (tmp_path / "out", run))
    assert read.column_names == expected.column_names
    expected = [row for row in expected.to_pylist() if row["split"] != "validation"]
    for row, one in zip(read.to_pylist(), expected, strict=True):
        np.testing.assert_allclose(row.pop("logits"), one.pop("logits"), atol=1e-5)
        assert row.pop("loss") == pytest.approx(one.pop("loss"), abs=1e-5)
        assert row == one


@pytest.mark.parametrize("form", ["dense", "packed", "masks"])
def test_an_export_gives_the_metrics_of_its_run(form, finished_run, export, set_file, tmp_path):
    folder = export(finished_run, form)
    arguments = ["--files", f"id={set_file('id')}", "--export", str(folder), "--out", str(tmp_path / "out")]
    assert main(["test", str(finished_run), *arguments]) == 0
    own = {key: value for key, value in metrics_of(finished_run).items() if key.startswith("nli/id/")}
    assert metrics_of(tmp_path / "out") == pytest.approx(own, abs=1e-5)


def test_int8_is_evaluated_as_it_is_stored(finished_run, export, set_file, tmp_path):
    folder = export(finished_run, "packed", "--dtype", "int8")
    files = ["--files", f"id={set_file('id')}"]
    for name, of_export in (("run", []), ("int8", ["--export", str(folder)])):
        assert main(["test", str(finished_run), *files, *of_export, "--out", str(tmp_path / name)]) == 0
    tables = [parquet.read_table(tmp_path / name / "predictions.parquet") for name in ("run", "int8")]
    differences = np.subtract(*(table["logits"].to_pylist() for table in tables))
    assert 0 < np.abs(differences).max() < 0.1


def test_an_export_of_another_task_is_an_error(finished_run, export, set_file, tmp_path, refused, capsys):
    other = shutil.copytree(finished_run, tmp_path / "runs" / "other" / "version_0")
    (other / "checksums.json").unlink()
    config = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(config.replace("non_entailment", "not_entailment"))
    folder = export(other, "packed")
    capsys.readouterr()  # of the export
    error = refused("test", finished_run, "--files", f"id={set_file('id')}", "--export", folder)
    assert f"--export must be of {finished_run} and have its task 'nli'" in error


def test_the_table_has_a_column_per_set_with_its_classes(finished_run, set_file, capsys):
    assert main(["test", str(finished_run), "--files", f"mine={set_file('id')}", f"ood_x={set_file('ood')}"]) == 0
    printed = capsys.readouterr().out
    values = metrics_of(finished_run)
    rows = {cells[0]: cells[1:] for cells in (line.replace("│", " ").split() for line in printed.splitlines()) if cells}
    assert rows["rows"] == ["60", "60"]
    for metric in ("accuracy", "auroc", "loss", "accuracy_entailment", "predicted_share_entailment"):
        assert rows[metric] == [f"{values[f'nli/{split}/{metric}']:.4f}" for split in ("id", "ood")]
    assert rows["accuracy_neutral"] == [f"{values['nli/id/accuracy_neutral']:.4f}"]
    assert rows["accuracy_non_entailment"] == [f"{values['nli/ood/accuracy_non_entailment']:.4f}"]
    assert "nli/mine" in printed
    assert "nli/ood_x" in printed


def test_a_set_that_gets_one_class_only_is_warned_of(finished_run, tmp_path, capsys):
    (tmp_path / "one.csv").write_text("text_a,text_b,label\nA,B,neutral\n")
    assert main(["test", str(finished_run), "--files", f"one={tmp_path / 'one.csv'}"]) == 0
    assert "for 100.0% of nli/one" in capsys.readouterr().out


def test_a_batch_of_any_size_gives_the_same(finished_run, set_file, tmp_path):
    for size in (1, 7, 64):
        arguments = ["--files", f"id={set_file('id')}", "--batch_size", str(size), "--out", str(tmp_path / str(size))]
        assert main(["test", str(finished_run), *arguments]) == 0
    values = [metrics_of(tmp_path / str(size)) for size in (1, 7, 64)]
    assert values[0] == pytest.approx(values[2], abs=1e-6)
    assert values[1] == pytest.approx(values[2], abs=1e-6)


def test_columns_and_labels_are_the_users_own(finished_run, tmp_path, capsys):
    (tmp_path / "own.csv").write_text("premise,hypothesis,gold\nA man sleeps.,A man rests.,0\nA,B,1\nA,B,-\n")
    arguments = ["--columns", "{text_a: premise, text_b: hypothesis, label: gold}"]
    arguments += ["--labels", '{0: entailment, "1": neutral, "-": ""}', "--out", str(tmp_path / "out")]
    assert main(["test", str(finished_run), "--files", f"own={tmp_path / 'own.csv'}", *arguments]) == 0
    rows = parquet.read_table(tmp_path / "out" / "predictions.parquet").to_pylist()
    assert [(row["id"], row["split"], row["label"]) for row in rows] == [
        ("2", "own", "entailment"),
        ("3", "own", "neutral"),
    ]


HEADER = "text_a,text_b,label\n"
GOOD = HEADER + "A,B,neutral\n"


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"),
    [
        ("a.csv", None, [], "a.csv must be a file, got none"),
        ("a.xlsx", GOOD, [], ".csv, .jsonl, .parquet, .tsv"),
        ("a.csv", "", [], "must have rows"),
        ("a.csv", HEADER, [], "must have rows"),
        ("a.parquet", GOOD, [], "must be readable as parquet"),
        (
            "a.csv",
            "texts,label\nA,neutral\n",
            [],
            "a.csv: unknown column 'text_a' in `columns`: did you mean texts? Choose from texts, label",
        ),
        ("a.csv", "text_a\nA\n", [], "a.csv: unknown column 'label' in `columns`: choose from text_a"),
        ("a.csv", HEADER + "A,B,maybe\n", [], "a.csv:2: unknown label 'maybe'"),
        ("a.csv", HEADER + "A,B,non_entailment\n", [], "unknown label 'non_entailment'"),  # of OOD sets alone
        ("a.csv", GOOD + " ,B,neutral\n", [], "a.csv:3: column 'text_a' must hold a text"),
        ("a.csv", GOOD, ["--columns", "{text_a: premise, label: label}"], "unknown column 'premise'"),
        ("a.csv", GOOD, ["--columns", "{text_a: text_a}"], "add ['label']"),
        ("a.csv", GOOD, ["--columns", "{text_a: text_a, label: label, text: text_b}"], "remove ['text']"),
        ("a.csv", GOOD, ["--labels", "{neutral: nothing}"], "unknown label 'nothing'"),
        ("a.csv", GOOD, ["--labels", '{neutral: ""}'], "must have rows"),
        ("a.csv", GOOD, ["--task", "qa"], "'qa'"),
        ("a.csv", GOOD, ["--batch_size", "0"], "batch_size must be positive, got 0"),
        ("a.csv", GOOD, ["--device", "tpu"], "'tpu'"),
        ("a.csv", GOOD, ["--colums", "{}"], "unknown key colums: "),
    ],
)
def test_what_is_wrong_is_one_error_and_leaves_nothing(
    finished_run, tmp_path, refused, name, content, arguments, message
):
    if content is not None:
        (tmp_path / name).write_text(content)
    out = tmp_path / "out"
    assert message in refused("test", finished_run, "--files", f"a={tmp_path / name}", "--out", out, *arguments)
    assert not out.exists()


@pytest.mark.parametrize("files", [["{}"], ["={}"], ["a="], ["a/b={}"], ["..={}"], ["[red]={}"], ["a={}", "a={}"]])
def test_a_set_needs_a_name_of_its_own(finished_run, set_file, refused, files):
    assert "NAME=PATH" in refused("test", finished_run, "--files", *(each.format(set_file("id")) for each in files))


@pytest.mark.parametrize(("missing", "message"), [("*", "give a run"), ("metrics.json", "--resume")])
def test_a_run_must_be_there_and_finished(finished_run, set_file, tmp_path, refused, missing, message):
    run = tmp_path / "version_0"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns(missing))
    assert message in refused("test", run, "--files", f"id={set_file('id')}")


def test_nothing_is_overwritten(finished_run, set_file, tmp_path, refused):
    (tmp_path / "mine").write_text("mine")
    for out in (tmp_path, tmp_path / "mine", tmp_path / "mine" / "below"):
        assert f"got {out}" in refused("test", finished_run, "--files", f"id={set_file('id')}", "--out", out)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
