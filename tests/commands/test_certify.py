"""`lit_prune certify`: which runs it trains, and what it leaves behind."""

import json
from pathlib import Path

import pytest
import yaml

from lit_prune.cli import main
from lit_prune.commands import certify as module
from lit_prune.errors import UserError
from lit_prune.runs.evaluations import Evaluation, add_evaluation

UNSELECTED: dict[str, float] = {}  # OOD AUROC of an evaluation whose model was not selected, by run
OOD = {"unbiased": (0.97, 0.99), "biased": (0.6, 0.7), "balanced": (0.9, 0.95), "informed_masks": (0.9, 0.95)}


@pytest.fixture
def fits(monkeypatch, tmp_path):
    """The configurations of the runs, by name; models of one text are at chance."""
    started = {}

    def fit(arguments):
        values = dict(each.removeprefix("--").split("=", 1) for each in arguments[1:])
        name = values["experiment"]
        started[name] = json.loads(Path(values["config"]).read_text())
        accuracy, auroc = next((OOD[each] for each in OOD if name.startswith(each)), (0.5, 0.5))
        run = tmp_path / "nli_seed7" / name / "version_0"
        run.mkdir(parents=True)
        metrics = {"nli/id/accuracy": 0.95, "nli/id/auroc": 0.99}
        for split in ("ood", "ood_heldout"):
            metrics |= {f"nli/{split}/accuracy": accuracy, f"nli/{split}/auroc": auroc}
        (run / "metrics.json").write_text(json.dumps(metrics))
        later = metrics | {"nli/ood/auroc": max(auroc, UNSELECTED.get(name, 0.0))}
        for step, figures in enumerate((metrics, later), start=1):
            add_evaluation(run, Evaluation("dense", step, eligible=True, sparsity=0.0, metrics=figures))
        return 0

    monkeypatch.setattr(module, "main", fit)
    return started


@pytest.fixture
def small(tmp_path, tiny_backbone):
    """The dense experiment with a tiny encoder, and few rows."""
    dense = yaml.safe_load(Path("configs/dense.yaml").read_text())
    dense["encoder"] = {"backbone": str(tiny_backbone)}
    dense["data"]["tasks"][0]["init_args"]["source"]["init_args"]["num_train"] = 600
    path = tmp_path / "dense.yaml"
    path.write_text(yaml.safe_dump(dense))
    return {"dense": str(path), "seed": 7, "root": str(tmp_path), "num_rows": 1000}


def test_a_certificate_is_written(fits, small, tmp_path, capsys):
    assert main(["certify", *(f"--{name}={value}" for name, value in small.items()), "--epochs=3"]) == 0
    values = json.loads((tmp_path / "nli_seed7" / "certificate.json").read_text())
    assert (values["holds"], values["seed"], values["version"]) == (True, 7, 2)
    biased = ["biased_3_epochs_at_0.0001", "biased_3_epochs_at_0.0002", "biased_12_epochs_at_0.0001"]
    assert list(values["models"])[:4] == ["unbiased", *biased]
    assert {f"{text}_{rows}" for text in ("text_a", "text_b") for rows in ("biased", "ood")} <= set(fits)
    assert fits["unbiased"]["model"]["init_args"]["dense"]["length"] == "12 epochs"
    for name in ("unbiased", biased[0], "balanced", "informed_masks"):  # a seed draws its own corpus
        source = fits[name]["data"]["tasks"][0]["init_args"]["source"]["init_args"]
        assert (source["num_eval"], source["seed"]) == (1000, 7)
    start = str(tmp_path / "nli_seed7" / biased[0] / "version_0")
    assert fits["informed_masks"]["model"]["init_args"]["start_from"] == start
    shown = capsys.readouterr().out
    assert "certified" in shown
    assert shown.count("holds") == 15
    assert "FAILS" not in shown


def test_a_bound_that_does_not_hold_fails(fits, small, monkeypatch):
    monkeypatch.setitem(OOD, "biased", (0.9, 0.95))
    with pytest.raises(SystemExit, match="1"):
        main(["certify", *(f"--{name}={value}" for name, value in small.items())])


def test_a_model_that_was_not_selected_counts(fits, small, monkeypatch, capsys):
    monkeypatch.setitem(UNSELECTED, "biased_8_epochs_at_0.0001", 0.95)
    with pytest.raises(SystemExit, match="1"):
        main(["certify", *(f"--{name}={value}" for name, value in small.items())])
    assert "(biased_8_epochs_at_0.0001, its best evaluation)" in " ".join(capsys.readouterr().out.split())


def test_a_task_without_an_ood_set_is_an_error(fits, small, tmp_path):
    task = {"name": "cola", "labels": ["0", "1"], "source": "lit_prune.data.GeneratedAcceptability"}
    task |= {"positive": "1", "merge": {}}
    config = tmp_path / "cola.yaml"
    config.write_text(yaml.safe_dump({"data": {"tasks": [{"class_path": "lit_prune.data.Task", "init_args": task}]}}))
    with pytest.raises(UserError, match="OOD sets of task 'cola' must be of its source, got none"):
        module.certify(**small | {"data": str(config), "task": "cola"})


def test_an_unknown_ood_set_is_an_error(fits, small):
    with pytest.raises(UserError, match="OOD sets of task 'nli' must be of ood, ood_heldout, got hans"):
        module.certify(**small, ood=["ood", "hans"])


def test_the_chosen_ood_set_counts(fits, small, tmp_path):
    module.certify(**small, ood=["ood_heldout"], informed=None)
    values = json.loads((tmp_path / "nli_seed7" / "certificate.json").read_text())
    assert values["ood"] == ["ood_heldout"]
    assert "informed_masks" not in values["models"]
    assert fits["text_a_ood"]["data"]["tasks"][0]["init_args"]["source"]["init_args"]["train_on"] == "ood_heldout"
    assert set(values["models"]["unbiased"]) == {
        f"{split}/{name}" for split in ("id", "ood_heldout") for name in ("accuracy", "auroc")
    }
