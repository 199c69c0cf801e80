"""The base paradigm: dense training, phases' bounds, selection, errors before and during training."""

import json
import math

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from lit_prune.checkpoints import read_checkpoint
from lit_prune.losses import Loss


class NotANumber(Loss):
    """A loss that has gone wrong."""

    def compute(self, logits, batch):
        return logits.sum() * math.nan


def test_dense_fine_tuning_trains_every_weight_and_reports_every_set(experiment):
    code, run = experiment(config="configs/dense.yaml")
    assert code == 0
    values = json.loads((run / "metrics.json").read_text())
    assert values["sparsity"] == 0
    assert values["steps"] == 20
    for split in ("validation", "id", "ood"):
        assert 0 <= values[f"nli/{split}/accuracy"] <= 1
    state = read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
    assert not any(".mask." in name for name in state)
    assert not (run / "masks.safetensors").exists()


def test_the_best_model_is_the_first_with_the_highest_validation_accuracy(experiment):
    code, run = experiment(config="configs/dense.yaml")
    assert code == 0
    selected = read_checkpoint(run / "checkpoints" / "best.ckpt")["lit_prune"]["selected"]["dense"]
    assert selected["selection"] == selected["metrics"]["nli/validation/accuracy"]
    last = read_checkpoint(run / "checkpoints" / "last.ckpt")["lit_prune"]["selected"]["dense"]
    assert last == selected


def test_frozen_embeddings_stay_as_they_were(experiment, tiny_backbone):
    code, run = experiment("--encoder.freeze_embeddings=true", config="configs/dense.yaml")
    assert code == 0
    from safetensors.torch import load_file

    before = load_file(tiny_backbone / "model.safetensors")["embeddings.word_embeddings.weight"]
    state = read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
    assert torch.equal(state["encoder.backbone.embeddings.word_embeddings.weight"], before)


def test_a_loss_that_is_not_a_number_stops_the_run_and_names_step_and_checkpoint(experiment, capsys):
    code, run = experiment(f"--model.init_args.loss={__name__}.NotANumber")
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    assert "the loss is nan at step 20 (phase 'mask')" in message
    assert str(run / "checkpoints" / "last.ckpt") in message
    assert json.loads((run / "run.json").read_text())["status"] == "failed"
    assert not (run / "metrics.json").exists()


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize(("algorithm", "norm"), [("norm", 2), ("value", math.inf)])
def test_gradients_are_clipped_as_the_trainer_says(experiment, precision, algorithm, norm):
    seen = []

    def hook(optimizer, *_):
        gradients = [value.grad.flatten() for group in optimizer.param_groups for value in group["params"]]
        seen.append(float(torch.cat(gradients).norm(norm)))

    handle = register_optimizer_step_post_hook(hook)
    clip = ("--trainer.gradient_clip_val=1e-3", f"--trainer.gradient_clip_algorithm={algorithm}")
    code, _ = experiment(*clip, f"--trainer.precision={precision}", config="configs/dense.yaml")
    handle.remove()
    assert code == 0
    assert len(seen) == 20
    assert max(seen) == pytest.approx(1e-3, rel=1e-2)


def test_a_cap_on_steps_that_leaves_nothing_for_a_phase_is_an_error(experiment, capsys):
    code, run = experiment("--trainer.max_steps=20")
    assert code == 2
    assert "trainer.max_steps=20 leaves no step for the phase 'mask'" in capsys.readouterr().err
    assert not (run / "checkpoints").exists()


def test_a_cap_on_steps_shortens_the_last_phase(experiment):
    code, run = experiment("--trainer.max_steps=30", "--model.init_args.schedule.init_args.initial=0.5")
    assert code == 0
    assert json.loads((run / "metrics.json").read_text())["steps"] == 30


def test_a_loss_that_needs_a_bias_model_says_so_where_there_is_none(experiment, capsys):
    task = "{class_path: lit_prune.data.Task, init_args: {name: nli, labels: [contradiction, entailment, neutral], positive: entailment, merge: {contradiction: non_entailment, neutral: non_entailment}, bias: null, source: {class_path: lit_prune.data.GeneratedNli, init_args: {num_train: 253, num_eval: 60}}}}"  # noqa: E501
    code, run = experiment(f"--data.tasks=[{task}]")
    assert code == 2
    assert "ProductOfExperts needs a bias model, but task 'nli' has none" in capsys.readouterr().err
    assert not run.exists()
