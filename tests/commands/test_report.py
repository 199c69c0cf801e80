"""`lit_prune report` from end to end."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.image import imread
from records import Study, numbers
from torch.utils.tensorboard import SummaryWriter

from lit_prune.cli import main

PAGE = Path(__file__).parents[2] / "docs/reference/reports.md"
FIGURE = {"name": "fig2", "lines": "loss", "reference": {"run": "dense"}}
PRINTED = {"run": "dense", "loss": "ce", "metric": "nli/id/accuracy", "value": 0.85, "source": "a paper"}


def test_a_study_becomes_files_and_a_console_page(grid, capsys):
    grid.define("Robust subnetworks", reference={"loss": "ce"}, rank="loss", figures=[FIGURE], printed=[PRINTED])
    grid.add("late", status="failed", error="out of memory", run="mask", loss="ce", sparsity=0.5, seed=4)
    assert main(["report", str(grid.folder)]) == 0
    report = (grid.folder / "report.md").read_text()
    titles = re.findall(r"^#+ (.*)$", report, re.MULTILINE)
    assert titles == [
        "Robust subnetworks",
        "Runs that are not complete",
        "Results",
        "Differences from loss ce",
        "Ranks of loss",
        "Beside the printed values",
        "Figures",
        "Spread",
        "Cost of a run",
        "How the runs were made",
    ]
    for path in re.findall(r"!\[.*\]\((.*)\)", report):
        assert (grid.folder / path).is_file()
    names = {path.name for path in grid.folder.iterdir()}
    assert {"results.csv", "results.parquet", "report.md", "tables.tex", "figures", "tensorboard"} <= names
    captions = re.findall(r"^\\caption{(.*)}$", (grid.folder / "tables.tex").read_text(), re.MULTILINE)
    assert captions == [title for title in titles[1:] if title != "Figures"]
    shown = capsys.readouterr().out
    assert shown.startswith("Robust subnetworks: 18 of 19 runs are complete; 1 failed.")
    assert shown.splitlines()[-1] == str(grid.folder / "report.md")
    assert all(text in shown for text in ("out of memory", "0.690 ± 0.030", "+0.120", "Ranks of loss", "a paper"))


def test_claims_have_a_table_and_a_figure_and_their_mistakes_write_nothing(grid, capsys):
    claim = {"says": "poe is better", "source": "a paper", "metric": "nli/ood/accuracy", "reference": {"loss": "ce"}}
    grid.define(claims=[claim | {"where": {"run": "mask", "loss": "poe"}, "primary": True}])
    assert main(["report", str(grid.folder)]) == 2
    assert "a primary claim must be about one cell, got sparsity 50%; sparsity 70%" in capsys.readouterr().err
    assert not (grid.folder / "results.csv").exists()
    grid.define(claims=[claim | {"where": {"run": "mask", "loss": "poe", "sparsity": 0.5}, "primary": True}])
    report = grid.report()
    assert "exploratory (holds)" in report
    assert "![claims](figures/claims.png)" in report
    assert (grid.folder / "figures" / "claims.png").is_file()


def test_several_commits_are_told_under_every_table_of_figures(study):
    study.define(reference={"loss": "ce"})
    for loss, commit in {"ce": "a" * 40, "poe": "b" * 40}.items():
        study.add(loss, numbers(0.9, 0.6), commit=commit, loss=loss, seed=1)
    assert study.report().count("More than one commit in these tables") == 2


def test_a_second_report_is_the_same(grid):
    grid.define(reference={"loss": "ce"})
    assert grid.report() == grid.report()


def test_a_report_by_another_hand_is_not_overwritten(grid, capsys):
    (grid.folder / "report.md").write_text("my own report")
    assert main(["report", str(grid.folder)]) == 2
    assert "must be a file that lit_prune report wrote, got another" in capsys.readouterr().err
    assert (grid.folder / "report.md").read_text() == "my own report"


def test_a_mistake_in_the_study_is_one_line_and_writes_nothing(grid, capsys):
    grid.define(metrics=["nli/ood/acc"])
    assert main(["report", str(grid.folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lit_prune: error: unknown metric 'nli/ood/acc'")
    assert error.count("\n") == 1
    assert not (grid.folder / "results.csv").exists()


def test_real_runs_are_reported_as_they_recorded_themselves(finished_run, finished_dense_run, tmp_path):
    for name, run in {"mask": finished_run, "dense": finished_dense_run}.items():
        shutil.copytree(run, tmp_path / name / "version_0")
    runs = [{"name": name, "axes": {"run": name}, "folder": f"{name}/version_0"} for name in ("mask", "dense")]
    (tmp_path / "runs.json").write_text(json.dumps(runs))
    study = Study(tmp_path)
    study.define(reference={"run": "dense"}, metrics=["nli/id/accuracy", "nli/ood/accuracy", "nli/ood/auroc"])
    report = study.report()
    table = pd.read_parquet(tmp_path / "results.parquet")
    for name, run in {"mask": finished_run, "dense": finished_dense_run}.items():
        metrics = json.loads((run / "metrics.json").read_text())
        mine = table[(table["name"] == name) & (table["seed"] == 1)]
        recorded = {name for name, value in metrics.items() if not isinstance(value, str)}
        assert len(mine) == len(recorded - {"wall_seconds", "nli/version"})
        found = mine[(mine["model"] == "result") & (mine["split"] == "ood") & (mine["metric"] == "auroc")]
        assert [*found["value"]] == [metrics["nli/ood/auroc"]]
    assert "wall_seconds" not in set(table["metric"])
    differences = report.split("## Differences from run dense")[1].split("##")[0]
    assert differences.count("| rows | 1 |") == 3  # one seed, an interval over its rows


def test_the_example_of_the_documentation_is_understood(study):
    for loss in ("ce", "poe"):
        for kind, sparsity in (("mask", 0.5), ("mask", 0.7), ("dense", None)):
            axes = {"run": kind, "loss": loss, "seed": 1} | ({"sparsity": sparsity} if sparsity else {})
            study.add(f"{kind}-{loss}-{sparsity}", numbers(0.9, 0.6, auroc=0.7), **axes)
    example = re.findall(r"```yaml\n(.*?\nreport:.*?)```", PAGE.read_text(), re.DOTALL)[0]
    (study.folder / "study.yaml").write_text(example)
    report = study.report()
    assert all(f"## {title}" in report for title in ("Differences from loss ce", "Ranks of loss", "Figures"))
    assert (study.folder / "figures" / "fig2.png").is_file()


def test_multitask_models_are_compared_with_mixtures(study):
    metrics = ["nli/id/accuracy", "qa/id/f1"]
    for task, metric in zip(("nli", "qa"), metrics, strict=True):
        study.add(task, {metric: 0.8, "stored_density": 0.1}, task=task, seed=1)
    study.add("all", dict.fromkeys(metrics, 0.7) | {"stored_density": 0.2}, task="all", seed=1)
    study.define(mixtures=[{"name": "mixed", "metrics": metrics}], metrics=metrics)
    report = study.report()
    assert "| all | 1 | 0.200 | 0.700 | 0.800 | -0.100 [-0.100, -0.100] | 0.200 [0.200, 0.200] |" in report
    assert "![mixed](figures/mixed.png)\n\nScore over budget" in report
    assert (study.folder / "figures" / "mixed.png").is_file()


def test_of_a_study_that_has_only_begun_what_is_there_is_reported(study):
    for sparsity in (0.5, 0.9):
        study.add(f"nli-{sparsity}", numbers(0.8, 0.6), dataset="nli", sparsity=sparsity, seed=1)
        study.add(f"qa-{sparsity}", dataset="qa", sparsity=sparsity, seed=1)
    metrics = ["nli/id/accuracy", "qa/id/f1"]
    figures = [{"name": task, "where": {"dataset": task}} for task in ("nli", "qa")]
    mixtures = [{"name": "mixed", "where": {"dataset": "qa"}, "metrics": metrics}]
    study.define(metrics=metrics, figures=figures, mixtures=mixtures, reference={"dataset": "qa"})
    report = study.report()
    assert "| seeds | nli accuracy, in distribution |\n" in report  # no column for what no run has
    assert "| nli | 90% | result | 1 | 0.800 |\n" in report
    assert "| qa | 90% | 1 |" in report  # has not begun
    assert {path.name for path in (study.folder / "figures").iterdir()} == {"nli.png", "nli.pdf"}


def test_any_runs_are_weighed_by_what_the_command_says(study, capsys):
    for name, (accuracy, sparsity) in {"a": (0.9, 0.5), "b": (0.8, 0.5), "c": (0.7, 0.9)}.items():
        study.add(name, numbers(accuracy, 0.6) | {"sparsity": sparsity}, listed=False, method=name, seed=1)
    study.define(pareto={"sparsity": "max"})  # it takes the place of this
    assert main(["report", str(study.folder), "--pareto", "{nli/id/accuracy: max, sparsity: max}"]) == 0
    report = (study.folder / "report.md").read_text()
    table = report.split("## Settings that no other dominates")[1].split("## ")[0]
    assert re.findall(r"^\| ([a-c]) ", table, re.MULTILINE) == ["a", "c"]
    assert "![pareto](figures/pareto.png)" in report
    assert main(["report", str(study.folder), "--pareto", "{sparsity: most}"]) == 2
    assert "pareto must be one of 'max', 'min', got most" in capsys.readouterr().err


def test_training_does_not_load_what_draws():
    code = "import sys, lit_prune.fitting.cli; sys.exit('seaborn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
def test_ten_thousand_runs_fit_into_a_gigabyte(tmp_path):
    study = tmp_path / "study"
    metrics = numbers(0.9, 0.6) | {f"nli/id/accuracy_{number}": number / 40 for number in range(34)}
    runs = []
    for number in range(10_000):
        axes = {"loss": f"loss {number % 50}", "sparsity": number // 50 % 50 / 50, "seed": number // 2500}
        name = f"run-{number}"
        place = study / name / "version_0"
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps({"axes": axes, "versions": {"lit_prune": "0.1.0"}}))
        (place / "metrics.json").write_text(json.dumps(metrics))
        runs.append({"name": name, "axes": axes, "folder": f"{name}/version_0"})
    (study / "runs.json").write_text(json.dumps(runs))
    Study(study).define(reference={"loss": "loss 0"}, rank="loss", figures=[{"name": "fig", "lines": "loss"}])
    code = (  # not getrusage: its peak includes the process that started this one
        "import sys; from pathlib import Path; from lit_prune.cli import main; main(sys.argv[1:]);"
        "(peak,) = [line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM')];"
        "sys.exit(int(peak.split()[1]) > 2**20)"
    )
    done = subprocess.run([sys.executable, "-c", code, "report", str(study)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(study / "results.parquet", columns=["name", "value"])
    assert (table["name"].nunique(), len(table)) == (10_000, 400_000)


HOSTILE = [r"$\foo$", "$x_{$", "$x^2$", "\ud800", "![" * 10_000, "y" * 200_000, "a\0b", 2**63, 10**400, float("nan")]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_hostile_value_costs_at_most_its_run(study, hostile):
    study.add("fine", numbers(0.9, 0.6), loss="ce", sparsity=0.5, seed=1)
    study.add("one", numbers(0.9, 0.6), loss=hostile, sparsity=0.6, seed=hostile)
    study.add("two", status="failed", error=str(hostile)[:20_000], loss="ce", sparsity=0.7, seed=2)
    study.define(metrics=["nli/ood/accuracy"], figures=[{"name": "fig", "lines": "loss"}])
    started = time.monotonic()
    report = study.report()
    assert time.monotonic() - started < 10
    assert "2 of 3 runs are complete; 1 failed." in report
    assert "| ce | 50% | result | 1 | 0.600 |" in report
    assert {path.name for path in (study.folder / "figures").iterdir()} == {"fig.png", "fig.pdf"}


@pytest.mark.parametrize("hostile", HOSTILE[:8], ids=range(8))
@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_hostile_name_is_a_label_of_the_figures(study, hostile):
    for name, loss in {"fine": "ce", "one": hostile}.items():
        place = study.add(name, numbers(0.9, 0.6), listed=False, loss=loss, seed=1)
        with SummaryWriter(str(place)) as writer:
            writer.add_scalar("selection", 0.5, 1)
    started = time.monotonic()
    report = study.report()
    assert time.monotonic() - started < 20
    assert re.findall(r"^!\[.*\]\((.*)\)$", report, re.MULTILINE) == ["figures/overview.png", "figures/progress.png"]
    for name in ("overview", "progress"):
        picture = imread(study.folder / "figures" / f"{name}.png")
        assert picture.shape[1] == 840


def test_a_folder_without_settings_is_reported_in_words(finished_run, finished_imp_run, tmp_path, capsys):
    for name, run in {"poe": finished_run, "imp": finished_imp_run}.items():
        shutil.copytree(run, tmp_path / name / "version_0")
    assert main(["report", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    report = (tmp_path / "report.md").read_text()
    assert "2 of 2 runs are complete." in shown
    for text in (shown, report):
        assert "± -" not in text
        assert not re.search(r"dense_shifted|nli/|version_0 ", text)
        assert all(each in text for each in ("threshold-shifted", "distribution", "AUROC", "reached"))
    assert all(each in report for each in ("threshold-shifted dense", "out of distribution", "sparsity reached"))
    assert "## Spread" not in report
    assert "![overview](figures/overview.png)" in report
    assert "![progress](figures/progress.png)" in report
    models = re.findall(r"^\| finished \| - \| (.*?) \|", report.split("## Cost")[0], re.MULTILINE)
    assert models == ["result", "dense", "threshold-shifted dense", "constant-prediction baseline"]
    assert len(re.findall(r"^\| finished_imp .* \| dense \|", report, re.MULTILINE)) == 1
    keys = set(pd.read_csv(tmp_path / "results.csv")["model"])
    assert "dense_shifted" in keys  # exact keys are in the file for machines


def test_a_folder_whose_name_is_no_text_is_linked(study):
    study.add("a", numbers(0.9, 0.6), listed=False, seed=1)
    (study.folder / "a").rename(study.folder / os.fsdecode(b"a\xff"))
    study.define(metrics=["nli/ood/accuracy"])
    study.report()
    assert 'href="a%FF/version_0/"' in (study.folder / "report.html").read_text()
