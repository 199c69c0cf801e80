"""How far losses move of rows that a run lacked."""

import json
import re
from pathlib import Path

import pytest

from lit_prune.cli import main
from lit_prune.evaluate.left_out import left_out_set
from lit_prune.evaluate.logits import predict_sets
from lit_prune.export.trained import read_run

BRIEF = ("--model.init_args.dense.steps=30", "--trainer.val_check_interval=30", "--data.num_train=50")


@pytest.fixture
def runs(experiment):
    """A run that had all its rows, and one that lacked a fifth."""
    perturbed = ("--data.perturbation.share=0.2", "--data.perturbation.seed=3")
    found = [
        experiment(*BRIEF, *further, config="configs/dense.yaml", name=name)
        for name, further in (("whole", ()), ("part", perturbed))
    ]
    assert [code for code, _ in found] == [0, 0]
    return [str(run) for _, run in found]


def test_the_mean_change_of_their_losses(runs, capsys):
    whole, part = runs
    assert main(["stability", "pointwise", whole, part]) == 0
    *_, of_part, over_all = capsys.readouterr().out.splitlines()
    assert of_part.endswith(f"10 rows of {part}")
    rows = left_out_set(read_run(Path(part), None))
    assert re.match(r"\d\.\d{4}", over_all)
    losses = []
    for run in runs:
        (predicted,) = predict_sets(read_run(Path(run), None), [rows], 64, "cpu")
        losses.append(predicted.of.columns(predicted.logits)["loss"])
    expected = sum(abs(a - b) for a, b in zip(*losses, strict=True)) / 10
    assert float(over_all.split()[0]) == pytest.approx(expected, abs=1e-3)
    assert expected > 0


def test_a_control_shows_the_change_between_two_seeds_of_the_same_rows(experiment, runs, capsys):
    whole, part = runs
    rows_seed = json.loads((Path(whole) / "metrics.json").read_text())["seed"]
    control, stranger = (
        str(experiment(*BRIEF, "--seed_everything=7", *further, config="configs/dense.yaml", name=name)[1])
        for name, further in (("control", [f"--data.rows_seed={rows_seed}"]), ("stranger", []))
    )
    capsys.readouterr()
    assert main(["stability", "pointwise", whole, part, "--control", control]) == 0
    of_part, over_all = capsys.readouterr().out.splitlines()[-2:]
    rows = left_out_set(read_run(Path(part), None))
    losses = []
    for run in (whole, control):
        (predicted,) = predict_sets(read_run(Path(run), None), [rows], 64, "cpu")
        losses.append(predicted.of.columns(predicted.logits)["loss"])
    expected = sum(abs(a - b) for a, b in zip(*losses, strict=True)) / 10
    for line in (of_part, over_all):
        (found,) = re.findall(r"; (\d\.\d{4}) between two seeds$", line)
        assert float(found) == pytest.approx(expected, abs=1e-3)
    assert expected > 0
    assert main(["stability", "pointwise", whole, part, "--control", stranger]) == 2
    assert "--control must be a run with the examples of" in capsys.readouterr().err


def test_the_same_run_twice_moves_nothing_and_a_whole_one_is_no_part(runs, capsys):
    whole, part = runs
    assert main(["stability", "pointwise", part, part]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0.0000  mean")
    assert main(["stability", "pointwise", whole, whole]) == 2
    assert "data.perturbation of" in capsys.readouterr().err
