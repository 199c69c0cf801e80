"""Sizes of deltas: real files, of as many values as were trained."""

import json

import pytest

from lit_prune.bench.deltas import delta_sizes, table
from lit_prune.cli import main


def test_files_hold_what_was_trained_and_little_more(tmp_path, capsys):
    path = tmp_path / "sizes.json"
    assert main(["bench", "deltas", "--layers=1", "--hidden=64", "--share=0.05", f"--json={path}"]) == 0
    found = {each["peft_method"]: each for each in json.loads(path.read_text())["deltas"]}
    lora, shira, chosen, ia3 = (found[name] for name in ("Lora", "Shira", "Supertuning", "IA3"))
    matrices = [(64, 64)] * 4 + [(256, 64), (64, 256)]
    assert lora["num_trained"] == sum(4 * (rows + columns) for rows, columns in matrices)
    assert shira["num_trained"] == sum(rows + columns for rows, columns in matrices)
    assert chosen["num_trained"] == sum(int(0.05 * rows * columns) for rows, columns in matrices)
    for each in (lora, shira, chosen):
        assert 4 * each["num_trained"] < each["ours"] < 4 * each["num_trained"] * 1.5 + 3000
    assert 4 * lora["num_trained"] < lora["peft"] < 4 * lora["num_trained"] + 3000
    assert shira["ours"] < shira["peft"]
    assert (ia3["num_trained"], ia3["ours"]) == (3 * 64 + 256, None)
    printed = capsys.readouterr().out
    assert f"| LoRA, rank 4 | {lora['num_trained']:,} |" in printed
    assert "| IA3 | 448 | - |" in printed


def test_what_an_older_peft_lacks_is_left_out(monkeypatch):
    monkeypatch.delattr("peft.SupertuningConfig", raising=False)
    (chosen,) = [each for each in delta_sizes(1, 64, 2, 0.05) if each.peft_method == "Supertuning"]
    assert chosen.peft is None
    assert chosen.num_trained
    assert table([chosen]).endswith("| - |")


@pytest.mark.parametrize(
    ("argument", "named"),
    [("--hidden=60", "hidden must be a multiple of 64, got 60"), ("--rank=0", "rank"), ("--share=2", "share")],
)
def test_a_wrong_setting_is_named(argument, named, capsys):
    assert main(["bench", "deltas", argument]) == 2
    assert named in capsys.readouterr().err
