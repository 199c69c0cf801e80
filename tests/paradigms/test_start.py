"""The dense model that a run begins with."""

import json

import pytest
import torch
from run_helpers import assert_same, cut_off_by, without_callbacks

import lit_prune
from lit_prune.cli import main
from lit_prune.export.trained import read_run
from lit_prune.paradigms import Paradigm
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.pairs import rank_pairs

BRIEF = ("--model.init_args.dense.steps=0", "--model.init_args.mask.steps=4", "--trainer.val_check_interval=2")


@pytest.fixture
def evaluated(monkeypatch):
    """The optimizer step of each evaluation."""
    steps = []
    collect = Paradigm.on_validation_epoch_end

    def on_validation_epoch_end(self):
        steps.append(self.trainer.global_step)
        collect(self)

    monkeypatch.setattr(Paradigm, "on_validation_epoch_end", on_validation_epoch_end)
    return steps


def test_without_a_dense_model_none_is_evaluated_or_reported(experiment, evaluated):
    code, run = experiment(*BRIEF, name="origin")
    assert code == 0
    assert evaluated == [2, 4]
    assert read_checkpoint(run / "checkpoints" / "dense.ckpt")["global_step"] == 0  # the base of the others
    assert read_checkpoint(run / "checkpoints" / "best.ckpt")["lit_prune"]["left_out"]
    values = json.loads((run / "metrics.json").read_text())
    assert values["steps"] == 4
    assert not [name for name in values if name.startswith("dense")]
    assert not (run / "dense_predictions.parquet").exists()

    # Nor has a run that starts from such a one a dense model: its heads are as they were drawn.
    evaluated.clear()
    code, further = experiment(*BRIEF, f"--model.init_args.start_from={run}", name="further")
    assert code == 0
    assert evaluated == [2, 4]
    assert not [name for name in json.loads((further / "metrics.json").read_text()) if name.startswith("dense")]


def test_a_model_to_start_from_is_evaluated_before_the_first_step(experiment, finished_dense_run, evaluated):
    code, run = experiment(*BRIEF, f"--model.init_args.start_from={finished_dense_run}")
    assert code == 0
    assert evaluated == [0, 2, 4]
    values, origin = (json.loads((each / "metrics.json").read_text()) for each in (run, finished_dense_run))
    assert values["dense/step"] == 0
    for name in ("nli/id/loss", "nli/validation/accuracy", "nli/ood/auroc"):
        assert values[f"dense/{name}"] == pytest.approx(origin[name])
    assert "dense_shifted/nli/ood/accuracy" in values
    assert (run / "dense_predictions.parquet").is_file()


def test_a_run_of_no_steps_is_an_error(experiment, capsys):
    code, _ = experiment("--model.init_args.dense.steps=0", config="configs/dense.yaml")
    assert code == 2
    assert "phases of a run must have steps, got 0 in all" in capsys.readouterr().err


RANKS = {  # configuration -> the share that is removed of what the ranks left
    "configs/imp.yaml": 0.9,
    "configs/mask_only.yaml": 0.5,
    "configs/magnitude.yaml": 0.9,
    "configs/movement.yaml": 0.9,
    "configs/rank_magnitude.yaml": 0.5,
    "configs/rank_movement.yaml": 0.5,
}


@pytest.mark.parametrize("config", RANKS)
def test_what_is_pruned_by_rank_is_pruned_further(config, finished_rank_run, experiment, export):
    """No rank comes back: each matrix has four of its sixteen ranks, or fewer."""
    start = f"--model.init_args.start_from={finished_rank_run}/checkpoints/best.ckpt"
    by_rank = config.startswith("configs/rank")
    final = ("--model.init_args.schedule.init_args.final=0.5",) if by_rank else ()
    code, run = experiment(start, *final, config=config)
    assert code == 0
    before, after = (json.loads((each / "metrics.json").read_text()) for each in (finished_rank_run, run))
    assert after["dense/nli/id/loss"] == pytest.approx(before["nli/id/loss"], rel=1e-4)
    assert after["dense/sparsity"] == before["sparsity"] == 0.75
    assert after["sparsity"] == pytest.approx(RANKS[config], abs=0.01)
    model = read_run(run, None).model
    if by_rank:
        assert {len(layer.sigma) for layer in masked_layers(model).values()} == {4}
        assert sum(int(layer.mask.keep.sum()) for layer in masked_layers(model).values()) == 24
        assert after["parameter_density"] < before["parameter_density"]
        assert "48 singular values of 12 matrices" in after["denominator"]
    else:
        assert {pair.rank for pair in rank_pairs(model).values()} == {4}
        assert {name.rpartition(".")[2] for name in masked_layers(model)} >= {"narrow", "wide"}
    inputs = model.encoder.tokenizer(["a b c", "d e"], ["f", "g h"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).logits
        for form in ("packed", "lowrank", "dense"):
            loaded = lit_prune.load(export(run, form))
            torch.testing.assert_close(loaded(**inputs).logits, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("config", ["configs/mask_only.yaml", "configs/rank_magnitude.yaml"])
def test_further_pruning_resumes_bit_for_bit(config, finished_rank_run, experiment, tmp_path):
    start = f"--model.init_args.start_from={finished_rank_run}/checkpoints/best.ckpt"
    code, _ = experiment(start, config=config, name="whole")
    assert code == 0
    with pytest.raises(SystemExit):
        experiment(start, cut_off_by("run_helpers.CutOff", 13), config=config, name="cut")
    run, whole = (tmp_path / "runs" / each / "version_0" for each in ("cut", "whole"))
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)
