"""Records become one tidy table, the same for the same runs."""

import json

import numpy as np
import pandas as pd
import pytest
from records import Study, numbers

from lit_prune.errors import UserError
from lit_prune.report.results import Key, read_results, tidy, write_results


def test_every_number_of_every_run_has_a_row(grid):
    write_results(read_results(grid.folder), grid.folder)
    table = pd.read_parquet(grid.folder / "results.parquet")
    of_run = ["name", "status", "config_hash", "commit", "lit_prune"]
    axes = ["run", "loss", "sparsity", "seed"]
    assert [*table.columns] == [*of_run, *axes, "model", "task", "split", "metric", "value"]
    assert len(table) == 18 * 6  # two metrics, and sparsity, density, seed, steps
    found = table[(table["name"] == "mask-poe-0.7-2") & (table["metric"] == "accuracy") & (table["split"] == "ood")]
    (row,) = found.to_dict("records")
    assert row["value"] == pytest.approx(0.6 + 0.04 + 0.12 - 0.07)
    assert (row["run"], row["loss"], row["sparsity"], row["seed"]) == ("mask", "poe", 0.7, 2)
    assert (row["model"], row["task"], row["status"], row["lit_prune"]) == ("result", "nli", "completed", "0.1.0")
    assert row["config_hash"] == "hash of mask-poe-0.7-2"


def test_what_a_study_has_skipped_is_left_out(grid):
    listed = [{"name": f"mask-ce-0.5-{seed}", "status": "skipped" if seed == 2 else "planned"} for seed in (1, 2, 3)]
    (grid.folder / "runs.json").write_text(json.dumps(listed))
    assert [run.axes["seed"] for run in read_results(grid.folder).runs] == [1, 3]


def test_runs_of_the_version_before_are_counted_in_one_warning(tmp_path):
    study = Study(tmp_path)
    for seed in (1, 2, 3):
        record = study.add(f"{seed}", numbers(0.9, 0.6), seed=seed) / "run.json"
        if seed > 1:
            record.write_text(json.dumps({**json.loads(record.read_text()), "id": None}))
    with pytest.warns(UserWarning, match=r"runs that version 0\.1\.0 wrote in .*: 2"):
        read_results(tmp_path)


def test_csv_and_parquet_hold_the_same(grid):
    write_results(read_results(grid.folder), grid.folder)
    table = pd.read_parquet(grid.folder / "results.parquet").astype(object)
    plain = pd.read_csv(grid.folder / "results.csv").astype(object)
    pd.testing.assert_frame_equal(plain.fillna("-"), table.fillna("-"), check_dtype=False)


def test_equal_runs_give_equal_files_whenever_they_were_made(tmp_path):
    files = []
    for number, order in enumerate([(1, 2), (2, 1)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        study = Study(folder)
        for seed in order:
            study.add(f"run-{seed}", numbers(0.9, 0.6) | {"wall_seconds": 3.0 + number}, loss="ce", seed=seed)
        write_results(read_results(folder), folder)
        files.append([(folder / f"results.{kind}").read_bytes() for kind in ("csv", "parquet")])
    assert files[0] == files[1]


def test_numbers_of_other_models_are_told_apart_by_their_prefixes(study):
    metrics = {"nli/ood/auroc": 0.9, "dense_shifted/nli/ood_paws/auroc": 0.8, "dense/step": 3, "bias/nli/accuracy": 0.7}
    metrics["teacher/nli/train/accuracy"] = 0.6
    study.add("one", metrics | {"sparsity": 0.5}, seed=1)
    results = read_results(study.folder)
    assert dict(zip(results.keys, results.values[0], strict=True)) == {
        Key("result", "nli", "ood", "auroc"): 0.9,
        Key("dense_shifted", "nli", "ood_paws", "auroc"): 0.8,
        Key("dense", "", "", "step"): 3,
        Key("bias", "nli", "train", "accuracy"): 0.7,
        Key("teacher", "nli", "train", "accuracy"): 0.6,
        Key("result", "", "", "sparsity"): 0.5,
    }
    assert results.column("dense_shifted", "nli/ood_paws/auroc") == [0.8]
    assert np.isnan(results.column("dense", "nli/ood/auroc")).all()


def test_a_run_that_is_not_complete_has_one_row_without_a_value(study):
    study.add("failed", status="failed", error="out of memory", loss="ce", seed=1)
    study.add("fine", numbers(0.9, 0.6), loss="ce", seed=2)
    study.add("later", loss="ce", seed=3)
    rows = tidy(read_results(study.folder)).to_pandas()
    assert [*rows["name"].unique()] == ["failed", "fine", "later"]
    for name, status in {"failed": "failed", "later": "planned"}.items():
        (row,) = rows[rows["name"] == name].to_dict("records")
        assert row["status"] == status
        assert pd.isna(row["metric"])
        assert pd.isna(row["value"])
    assert rows[rows["name"] == "fine"]["value"].notna().all()


@pytest.mark.parametrize(
    ("listed", "own", "there", "status"),
    [
        ("running", "running", True, "completed"),
        ("completed", "completed", False, "without metrics"),
        ("blocked", "failed", False, "blocked"),
        (None, "interrupted", False, "interrupted"),
    ],
)
def test_a_run_is_complete_when_its_metrics_are_there(study, listed, own, there, status):
    study.add("other", numbers(0.9, 0.6), loss="ce", seed=1)
    place = study.add("run", numbers(0.9, 0.6), loss="ce", seed=2)
    record = json.loads((place / "run.json").read_text()) | {"status": own}
    (place / "run.json").write_text(json.dumps(record))
    runs = json.loads((study.folder / "runs.json").read_text())
    runs[1]["status"] = listed
    (study.folder / "runs.json").write_text(json.dumps(runs))
    if not there:
        (place / "metrics.json").unlink()
    results = read_results(study.folder)
    assert {run.name: run.status for run in results.runs} == {"other": "completed", "run": status}


def test_any_folder_of_runs_is_a_study(study):
    for seed in (1, 2):
        study.add(f"deep/{seed}", numbers(0.9, 0.6), listed=False, loss="ce", seed=seed)
    results = read_results(study.folder)
    assert results.axes == ("loss", "seed")
    assert [(run.name, run.axes["seed"]) for run in results.runs] == [("deep/1/version_0", 1), ("deep/2/version_0", 2)]


def test_runs_that_share_their_axes_are_told_apart_by_name(study):
    study.define()
    for name in ("a", "b"):
        study.add(name, numbers(0.9, 0.6), listed=False, seed=1)
    results = read_results(study.folder)
    assert results.axes == ("name", "seed")
    assert [run.axes["name"] for run in results.runs] == ["a/version_0", "b/version_0"]
    assert tidy(results).column_names.count("name") == 1


def test_a_runs_own_folder_is_a_study_of_one(study):
    place = study.add("a", numbers(0.9, 0.6), listed=False, seed=1)
    assert [run.name for run in read_results(place).runs] == ["version_0"]


def test_an_axis_keeps_its_type_and_gives_way_to_the_columns_of_a_number(study):
    study.add("a", numbers(0.9, 0.6), model="bert", layers=[1, 2], rate=1, bias=True, seed=1)
    study.add("b", numbers(0.9, 0.6), model="roberta", layers="all", rate=0.5, seed=1)
    axes = [dict(run.axes) for run in read_results(study.folder).runs]
    assert axes == [
        {"axis_model": "bert", "layers": "[1, 2]", "rate": 1, "bias": "true", "seed": 1},
        {"axis_model": "roberta", "layers": "all", "rate": 0.5, "seed": 1},
    ]
    assert str(tidy(read_results(study.folder)).schema.field("rate").type) == "double"


@pytest.mark.parametrize(
    ("file", "content", "name", "message"),
    [
        ("one/version_0/metrics.json", '{"nli', "one", "metrics.json must be valid JSON"),
        ("one/version_0/metrics.json", '{"nli/id/accuracy": null}', "one", "nli/id/accuracy must be a number"),
        ("one/version_0/run.json", "[]", "one", "run.json must contain a JSON object"),
        ("one/version_0/run.json", '{"axes": 7}', "one", "axes must be a mapping, got 7"),
        ("runs.json", "{}", "runs.json", "runs.json must contain a JSON list"),
        ("runs.json", "[", "runs.json", "runs.json must be valid JSON"),
        ("runs.json", '[{"axes": {}}, TWO]', "runs.json[0]", "must have a name and folder within the study"),
        (
            "runs.json",
            '[{"name": "../elsewhere"}, TWO]',
            "runs.json[0]",
            "must have a name and folder within the study",
        ),
        (
            "runs.json",
            '[{"name": "a", "folder": "../elsewhere"}, TWO]',
            "runs.json[0]",
            "must have a name and folder within the study",
        ),
        ("runs.json", '[{"name": "link"}, TWO]', "runs.json[0]", "must have a name and folder within the study"),
        (
            "runs.json",
            '[{"name": "a", "status": 7}, TWO]',
            "runs.json[0]",
            "must have a name and folder within the study",
        ),
    ],
)
def test_a_damaged_record_costs_its_run_and_is_named(study, file, content, name, message):
    study.add("one", numbers(0.9, 0.6), seed=1)
    study.add("two", numbers(0.9, 0.6), seed=2)
    (study.folder / "link").symlink_to(study.folder.parent)
    (study.folder / file).write_text(content.replace("TWO", json.dumps(study.runs[1])))
    runs = read_results(study.folder).runs
    damaged = [run for run in runs if run.status == "damaged"]
    assert [run.name for run in damaged] == [name]
    assert message in damaged[0].error
    assert any(run.status == "completed" for run in runs)


def test_an_empty_list_of_runs_is_an_error(study):
    (study.folder / "runs.json").write_text("[]")
    with pytest.raises(UserError, match="must contain folders of runs, got none"):
        read_results(study.folder)


def test_a_folder_without_runs_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"the folder of a report must exist, got .*nowhere"):
        read_results(tmp_path / "nowhere")
    with pytest.raises(UserError, match="got none"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(2**63, 2.0**63), (-(10**30), -1e30), (10**400, None), (float("nan"), None), (float("inf"), None), (2**62, 2**62)],
)
def test_a_number_of_an_axis_that_no_table_holds_costs_itself(study, value, shown):
    study.add("a", numbers(0.9, 0.6), seed=value)
    study.add("b", numbers(0.9, 0.6), seed=0.5)
    results = read_results(study.folder)
    assert {run.name: run.axes.get("seed") for run in results.runs} == {"a": shown, "b": 0.5}
    write_results(results, study.folder)
    table = pd.read_parquet(study.folder / "results.parquet")
    assert {*table[table["name"] == "b"]["seed"]} == {0.5}


def test_texts_of_axes_are_short_and_can_be_written(study):
    study.add("a", numbers(0.9, 0.6), loss="\ud800", seed=1)
    study.add("b", numbers(0.9, 0.6), **{"loss": "y" * 200_000, "\ud800": 1, "seed": 1})
    results = read_results(study.folder)
    write_results(results, study.folder)
    assert [run.axes["loss"] for run in results.runs] == ["?", "y" * 399 + "…"]
    assert set(results.axes) == {"loss", "?", "seed"}


@pytest.mark.parametrize("entry", [{"name": "\ud800"}, {"name": "a", "folder": "\ud800"}, {"name": "loop"}])
def test_a_name_that_is_no_path_costs_its_run(study, entry):
    study.add("one", numbers(0.9, 0.6), seed=1)
    (study.folder / "loop").symlink_to(study.folder / "loop")
    (study.folder / "runs.json").write_text(json.dumps([*study.runs, entry]))
    assert {run.name: run.status for run in read_results(study.folder).runs} == {
        "one": "completed",
        "runs.json[1]": "damaged",
    }
