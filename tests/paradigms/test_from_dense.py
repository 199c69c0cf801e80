"""The dense model that a run begins with."""

import json

import pytest

from lit_prune.checkpoints import read_checkpoint
from lit_prune.paradigms import Paradigm

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
    assert "the last phase, 'dense', has no step" in capsys.readouterr().err
