"""The report of figures: a table, and a file where one is asked for."""

import json

import torch

from lit_prune.bench.report import report
from lit_prune.hardware.device import hardware

FIGURES = {"ratio_fixed": 1.23456, "memory_bytes_fixed": 123456789}


def test_figures_are_printed_and_written_with_what_they_were_measured_on(tmp_path, capsys):
    path = tmp_path / "figures.json"
    report(FIGURES, "cpu", str(path))
    machine = {"hardware": hardware(torch.device("cpu")), "num_threads": torch.get_num_threads()}
    assert json.loads(path.read_text()) == machine | {"torch_version": torch.__version__} | FIGURES
    printed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert printed.keys() == json.loads(path.read_text()).keys()
    assert (printed["ratio_fixed"], printed["memory_bytes_fixed"]) == ("1.235", "123456789")


def test_without_a_file_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report(FIGURES, "cpu", None)
    assert not list(tmp_path.iterdir())
