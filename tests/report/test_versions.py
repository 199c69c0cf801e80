"""Runs on different versions of a task are never averaged."""

import json

from records import numbers

from lit_prune.report.cells import split_cells
from lit_prune.report.origins import origins_table


def test_versions_that_differ_are_an_axis(study):
    for version in (1, 2):
        for seed in (1, 2):
            study.add(f"{version}-{seed}", numbers(0.9, 0.6) | {"nli/version": version}, seed=seed)
    study.add("planned", status="failed", seed=3)
    results, _ = study.read()
    assert "nli version" in results.axes
    cells = [cell.axes.get("nli version") for cell in split_cells(results, "seed")]
    assert cells == [1, 2, None]
    assert [row[0] for row in origins_table(results).rows] == ["nli 1", "nli 2"]


def test_one_version_is_no_axis_and_no_number(study):
    for seed in (1, 2):
        study.add(f"{seed}", numbers(0.9, 0.6) | {"nli/version": 2}, seed=seed)
    results, _ = study.read()
    assert results.axes == ("seed",)
    assert not [key for key in results.keys if "version" in key.metric]


def test_runs_of_version_0_1_0_are_of_the_first(study):
    record = study.add("old", numbers(0.9, 0.6), seed=1) / "run.json"
    record.write_text(
        json.dumps({name: value for name, value in json.loads(record.read_text()).items() if name != "id"})
    )
    study.add("new", numbers(0.9, 0.6) | {"nli/version": 1}, seed=2)
    study.add("files", numbers(0.9, 0.6), seed=3)
    results, _ = study.read()
    assert [run.task_versions for run in results.runs] == [{"nli": 1}, {"nli": 1}, {}]
    assert "nli version" not in results.axes
