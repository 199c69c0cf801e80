"""Progress as a user sees it, over a run of two phases that crosses an epoch (8 batches) in the first."""

import re
from types import SimpleNamespace

import pytest

from lit_prune.callbacks.progress import PhaseProgressBar

STEPS = ("--model.init_args.dense.steps", "12", "--model.init_args.mask.steps", "8")


@pytest.fixture
def bar(experiment, capsys):
    """The bar's states, one after the other."""
    code, _ = experiment(*STEPS, "--trainer.enable_progress_bar", "true")
    assert code == 0
    captured = capsys.readouterr()
    return re.findall(r"[^\r\n]*\d+/\d+ \[[^\r\n]*\]", captured.out + captured.err)


def test_one_bar_over_all_steps_names_phase_loss_and_sparsity(bar):
    of_phase = {phase: [state for state in bar if state.startswith(phase)] for phase in ("dense", "mask")}
    assert all("/20 [" in state for states in of_phase.values() for state in states)
    assert of_phase["dense"][0].startswith("dense 5/12:")
    assert " 5/20 [" in of_phase["dense"][0]
    assert of_phase["mask"][-1].startswith("mask 8/8: 100%")
    assert " 20/20 [" in of_phase["mask"][-1]
    assert all("train/loss=" in state for states in of_phase.values() for state in states)
    assert not any("sparsity" in state for state in of_phase["dense"])
    assert "sparsity=0.500" in of_phase["mask"][-1]
    assert "selection=" in of_phase["mask"][-1]


def test_where_no_model_may_be_selected_nothing_is_said_of_it():
    trainer = SimpleNamespace(progress_bar_metrics={"train/loss": 0.5, "selection": float("nan")})
    module = SimpleNamespace(counts=dict)
    assert PhaseProgressBar().get_metrics(trainer, module) == {"train/loss": 0.5}
    trainer.progress_bar_metrics["selection"] = 0.25
    assert PhaseProgressBar().get_metrics(trainer, module) == {"train/loss": 0.5, "selection": 0.25}


def test_output_into_a_file_has_a_line_per_evaluation(experiment, capsys):
    code, _ = experiment(*STEPS, "--trainer.enable_progress_bar", "null")
    assert code == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "train/loss" in line]
    assert [line.partition(":")[0] for line in lines] == ["dense 6/12", "dense 12/12", "mask 6/8", "mask 8/8"]
    assert re.fullmatch(r"mask 8/8: train/loss \d\.\d{3}, selection \d\.\d{3}, sparsity 0\.500", lines[-1])


def test_a_disabled_bar_has_no_lines_either(experiment, capsys):
    assert experiment(*STEPS)[0] == 0
    assert "train/loss" not in capsys.readouterr().out
