"""The base paradigm: dense training, phases' bounds, selection, errors before and during training."""

import json
import math

import pytest
import torch
from run_helpers import assert_same, cut_off_by, without_callbacks
from torch.optim.optimizer import register_optimizer_step_post_hook

from lit_prune.cli import main
from lit_prune.losses import Loss
from lit_prune.runs.checkpoints import KEY, read_checkpoint
from lit_prune.sparsity.files import load_masks


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
    assert "the loss must be finite, got nan at step 20 (phase 'mask')" in message
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
    assert "where the phase 'mask' begins, got 20" in capsys.readouterr().err
    assert not (run / "checkpoints").exists()


def test_a_cap_on_steps_shortens_the_last_phase(experiment):
    code, run = experiment("--trainer.max_steps=30", "--model.init_args.schedule.init_args.initial=0.5")
    assert code == 0
    assert json.loads((run / "metrics.json").read_text())["steps"] == 30


def test_a_loss_that_needs_a_bias_model_says_so_where_there_is_none(experiment, capsys):
    task = "{class_path: lit_prune.data.Task, init_args: {name: nli, labels: [contradiction, entailment, neutral], positive: entailment, merge: {contradiction: non_entailment, neutral: non_entailment}, bias: null, source: {class_path: lit_prune.data.GeneratedNli, init_args: {num_train: 253, num_eval: 60}}}}"  # noqa: E501
    code, run = experiment(f"--data.tasks=[{task}]")
    assert code == 2
    assert "task 'nli' must have a bias model for ProductOfExperts" in capsys.readouterr().err
    assert not run.exists()


# ---- a loss that learns ------------------------------------------------------------------------------------------

GATE = {"loss.gate.weight", "loss.gate.bias"}
BOTH = [f"--model.init_args.{name}=lit_prune.losses.LearnedMixin" for name in ("dense_loss", "loss")]


def learned(run, name):
    """What a checkpoint has of its loss, and of its model."""
    checkpoint = read_checkpoint(run / "checkpoints" / name)
    return checkpoint[KEY]["loss"], checkpoint["state_dict"]


def test_what_a_loss_learns_is_trained_in_each_phase_anew_and_is_no_part_of_the_model(experiment, tmp_path, plain_run):
    code, run = experiment(*BOTH)
    assert code == 0
    (dense, model), (mask, _) = learned(run, "dense.ckpt"), learned(run, "best.ckpt")
    assert model.keys() == learned(plain_run, "dense.ckpt")[1].keys()
    assert dense.keys() == mask.keys() == GATE
    assert all(float(each["loss.gate.weight"].abs().max()) > 0 for each in (dense, mask))
    assert not torch.equal(dense["loss.gate.weight"], mask["loss.gate.weight"])
    # The trust moved by at most 20 steps of 1e-3 in the dense phase, of 1e-2 in that of the mask, from where it began.
    for each, most in ((dense, 20e-3), (mask, 20e-2)):
        assert 0 < abs(float(each["loss.gate.bias"]) - math.log(math.e - 1)) < most
    start_from = f"--model.init_args.start_from={run}"
    assert experiment(start_from, BOTH[1], name="again")[0] == 0
    assert main(["export", str(run), "--format", "packed", "--out", str(tmp_path / "exported")]) == 0


# Amid the dense phase, amid the mask phase; amid a round.
@pytest.mark.parametrize(
    ("config", "steps"),
    [("configs/srnet_poe.yaml", (13, 33)), pytest.param("configs/imp.yaml", (33,), marks=pytest.mark.slow)],
)
def test_a_run_whose_loss_learns_is_cut_off_and_resumed_bit_for_bit(experiment, config, steps):
    code, reference = experiment(*BOTH, config=config, name="reference")
    assert code == 0
    for step in steps:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            experiment(*BOTH, cut_off_by("run_helpers.CutOff", step), config=config, name=f"cut_{step}")
        run = reference.parents[1] / f"cut_{step}" / "version_0"
        without_callbacks(run)
        assert main(["fit", "--resume", str(run)]) == 0
        assert_same(run, reference)
        found, expected = learned(run, "last.ckpt")[0], learned(reference, "last.ckpt")[0]
        assert found.keys() == expected.keys() == GATE
        assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.slow
def test_a_loss_learns_where_the_encoder_does_not(experiment):
    code, run = experiment(BOTH[1], "--model.init_args.trained=[heads.*]", config="configs/imp.yaml")
    assert code == 0
    (before, first), (after, last) = learned(run, "round_1.ckpt"), learned(run, "best.ckpt")
    assert before.keys() == after.keys() == GATE
    assert float(after["loss.gate.weight"].abs().max()) > 0
    kept = load_masks(run / "masks.safetensors")
    for name, value in [each for each in last.items() if ".mask." not in each[0]]:
        moved = (first[name] != value)[kept.get(name, ...)]
        assert bool(moved.any()) == name.startswith("heads."), name
