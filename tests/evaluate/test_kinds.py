"""`lit_prune test` and `lit_prune predict` of tasks whose labels are no classes: what the run said, said again."""

import json

import pandas
import pyarrow.parquet as parquet
import pytest

from lit_prune.cli import main
from lit_prune.data import GeneratedReading, GeneratedSimilarity

SOURCES = {
    "reading": GeneratedReading(bias_rate=0.2, num_train=200, num_eval=60),
    "similarity": GeneratedSimilarity(bias_rate=0.9, num_train=200, num_eval=60),
}


def said(run, task):
    rows = parquet.read_table(run / "predictions.parquet").to_pylist()
    return {row["id"]: row["prediction"] for row in rows if (row["task"], row["split"]) == (task, "id")}


def squad(rows):
    """A file in SQuAD's layout."""
    questions = [
        {
            "context": row["text_b"],
            "qas": [
                {
                    "id": row["id"],
                    "question": row["text_a"],
                    "answers": [
                        {"text": text, "answer_start": start}
                        for text, start in zip(row["answers"], row["starts"], strict=True)
                    ],
                }
            ],
        }
        for row in rows
    ]
    return json.dumps({"data": [{"paragraphs": questions}]})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The labelled file of each task's `id` set, and its texts alone."""
    folder, found = tmp_path_factory.mktemp("kinds"), {}
    for task, source in SOURCES.items():
        rows = list(source.rows("id", None))
        labelled = folder / f"{task}.{'json' if task == 'reading' else 'csv'}"
        labelled.write_text(squad(rows) if task == "reading" else pandas.DataFrame(rows).to_csv(index=False))
        texts = folder / f"{task}_texts.csv"
        pandas.DataFrame(rows)[["id", "text_a", "text_b"]].to_csv(texts, index=False)
        found[task] = labelled, texts
    return found


@pytest.mark.parametrize("task", SOURCES)
def test_a_runs_own_rows_give_its_own_metrics(four_kinds_run, files, tmp_path, capsys, task):
    out = tmp_path / "out"
    assert (
        main(["test", str(four_kinds_run), "--task", task, "--files", f"id={files[task][0]}", "--out", str(out)]) == 0
    )
    own = json.loads((four_kinds_run / "metrics.json").read_text())
    expected = {name: value for name, value in own.items() if name.startswith(f"{task}/id/")}
    found = json.loads((out / "metrics.json").read_text())  # SQuAD's layout knows no groups
    assert found == pytest.approx({name: expected[name] for name in found}, abs=1e-5)
    assert len(found) >= 3
    main_metric = "exact_match" if task == "reading" else "spearman"
    assert f"{expected[f'{task}/id/{main_metric}']:.4f}" in capsys.readouterr().out


@pytest.mark.parametrize("from_file", [True, False])
@pytest.mark.parametrize("task", SOURCES)
def test_a_model_says_the_same_without_labels(four_kinds_run, files, tmp_path, task, from_file):
    rows = ["--file", str(files[task][1])] if from_file else ["--split", "id"]
    out = tmp_path / "said.parquet"
    assert main(["predict", str(four_kinds_run), "--task", task, *rows, "--out", str(out)]) == 0
    found = pandas.read_parquet(out)
    expected = said(four_kinds_run, task)
    assert list(found["id"]) == list(expected)
    if task == "reading":
        assert list(found["prediction"]) == list(expected.values())
        assert found["score"].notna().all()
    else:
        assert list(found["prediction"]) == pytest.approx([float(each) for each in expected.values()], abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--files", "id={table}"], "--task"),
        (["--task", "reading", "--files", "id={table}"], "malformed JSON"),
        (
            ["--task", "reading", "--files", "id={labelled}", "--columns", "{text_a: q}"],
            "got them for 'reading': its files have SQuAD's",
        ),
        (["--task", "similarity", "--files", "id={labelled}"], "must end in one of"),
    ],
)
def test_what_does_not_fit_a_task_is_an_error(four_kinds_run, files, refused, arguments, message):
    places = {"table": files["reading"][1], "labelled": files["reading"][0]}
    named = [each.format(**places) if "=" in each else each for each in arguments]
    assert message in refused("test", four_kinds_run, *named)


def test_a_label_that_is_no_number_is_an_error(four_kinds_run, refused, tmp_path):
    (tmp_path / "own.csv").write_text("text_a,text_b,label\nA,B,very\n")
    error = refused("test", four_kinds_run, "--task", "similarity", "--files", f"id={tmp_path / 'own.csv'}")
    assert "must be a number, got 'very'" in error
