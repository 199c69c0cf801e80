"""`lit_prune certify`: which runs it trains, and what it leaves behind."""

import json

import pytest
import yaml

from lit_prune.certify import runs as module
from lit_prune.cli import main
from lit_prune.commands.certify import certify
from lit_prune.errors import UserError

OOD = {"unbiased": (0.97, 0.99), "biased": (0.6, 0.7), "balanced": (0.9, 0.95), "informed_masks": (0.9, 0.95)}


@pytest.fixture
def fits(monkeypatch, tmp_path):
    """The configurations of the runs, by name; models of one text are at chance."""
    started = {}

    def fit(arguments):
        values = dict(each.removeprefix("--").split("=", 1) for each in arguments[1:])
        name = values["experiment"]
        started[name] = json.loads(module.Path(values["config"]).read_text())
        accuracy, auroc = next((OOD[each] for each in OOD if name.startswith(each)), (0.5, 0.5))
        run = tmp_path / "nli_seed7" / name / "version_0"
        run.mkdir(parents=True)
        metrics = {"nli/id/accuracy": 0.95, "nli/id/auroc": 0.99}
        for split in ("ood", "ood_heldout"):
            metrics |= {f"nli/{split}/accuracy": accuracy, f"nli/{split}/auroc": auroc}
        (run / "metrics.json").write_text(json.dumps(metrics))
        return 0

    monkeypatch.setattr(module, "main", fit)
    return started


@pytest.fixture
def small(tmp_path, tiny_backbone):
    """A configuration of few rows, for all experiments."""
    path = tmp_path / "small.yaml"
    path.write_text(f"encoder: {{backbone: {tiny_backbone}}}\n")
    return str(path)


def test_a_certificate_is_written(fits, small, tmp_path, capsys):
    arguments = ["--seed=7", f"--root={tmp_path}", f"--data={small}", "--num_rows=200", "--epochs=3"]
    assert main(["certify", *arguments]) == 0
    values = json.loads((tmp_path / "nli_seed7" / "certificate.json").read_text())
    assert (values["holds"], values["seed"], values["version"]) == (True, 7, 1)
    biased = ["biased_3_epochs_at_0.0001", "biased_3_epochs_at_0.0002", "biased_12_epochs_at_0.0001"]
    assert list(values["models"])[:4] == ["unbiased", *biased]
    assert {f"{text}_{rows}" for text in ("text_a", "text_b") for rows in ("biased", "ood")} <= set(fits)
    assert fits["unbiased"]["model"]["init_args"]["dense"]["length"] == "12 epochs"
    assert fits[biased[0]]["data"]["tasks"][0]["init_args"]["source"]["init_args"]["num_eval"] == 200
    start = str(tmp_path / "nli_seed7" / biased[0] / "version_0")
    assert fits["informed_masks"]["model"]["init_args"]["start_from"] == start
    shown = capsys.readouterr().out
    assert "certified" in shown
    assert shown.count("holds") == 15
    assert "FAILS" not in shown


def test_a_bound_that_does_not_hold_fails(fits, small, tmp_path, monkeypatch):
    monkeypatch.setitem(OOD, "biased", (0.9, 0.95))
    assert not certify(data=small, seed=7, root=str(tmp_path), num_rows=200)
    assert main(["certify", "--seed=7", f"--root={tmp_path}", f"--data={small}", "--num_rows=200"]) == 1


def test_a_task_without_an_ood_set_is_an_error(fits, small, tmp_path):
    task = {"name": "cola", "labels": ["0", "1"], "source": "lit_prune.data.GeneratedAcceptability"}
    task |= {"positive": "1", "merge": {}}
    config = tmp_path / "cola.yaml"
    config.write_text(yaml.safe_dump({"data": {"tasks": [{"class_path": "lit_prune.data.Task", "init_args": task}]}}))
    with pytest.raises(UserError, match="must have a positive class and the split `ood`"):
        certify(data=str(config), task="cola", seed=7, root=str(tmp_path))
