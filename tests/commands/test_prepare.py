"""What `lit_prune prepare` has done, `lit_prune fit` does not do again."""

import pytest

from lit_prune.cli import main
from lit_prune.data import GeneratedNli


@pytest.fixture
def uncached(monkeypatch, tmp_path):
    """An empty cache of data sets."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def test_a_fit_after_prepare_reads_no_source(command, uncached, tmp_path, capsys, monkeypatch):
    name, *arguments = command("--trainer.accelerator=gpu", "--trainer.devices=8", "--data.batch_size=24")
    assert name == "fit"
    assert main(["prepare", *arguments]) == 0
    shown = capsys.readouterr().out
    for each, rows in {"train": 240, "validation": 13, "id": 60, "ood": 60}.items():
        assert f"nli/{each}" in shown
        assert f" {rows} " in shown
    assert not (tmp_path / "runs").exists()

    def no_network(self, split, root):
        raise RuntimeError(f"{split} is read again")

    monkeypatch.setattr(GeneratedNli, "rows", no_network)
    here = ("--trainer.accelerator=cpu", "--trainer.devices=1", "--data.batch_size=24")
    assert main(command(*here)) == 0


def test_what_is_wrong_is_told_as_by_fit(command, capsys):
    _, *arguments = command("--data.tasks=[]")
    assert main(["prepare", *arguments]) == 2
    assert "data.tasks" in capsys.readouterr().err
