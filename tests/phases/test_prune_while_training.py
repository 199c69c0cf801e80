"""Weights and masks trained together: the eight settings, against plain references."""

import json

import pytest
import torch
import torch.nn.functional as F
from models import set_anew
from run_helpers import assert_same, cut_off_by, without_callbacks
from torch import nn
from torch.nn.utils import prune

from lit_prune.cli import main
from lit_prune.export.load import load
from lit_prune.export.trained import read_run
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.files import load_masks
from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.masks import LearnedMask, ReversibleMask, refresh
from lit_prune.sparsity.select import num_kept

BRIEF = ("--model.init_args.prune.steps=10", "--trainer.val_check_interval=5")
MAGNITUDE = "--model.init_args.criterion=lit_prune.sparsity.criteria.Magnitude"
SETTINGS = ("movement", "magnitude", "rank_magnitude", "rank_movement")


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_trains_two_tasks_to_its_density(setting, scope, experiment, two_tasks, tiny_backbone):
    arguments = ("--config", two_tasks, f"--model.init_args.scope={scope}", *BRIEF)
    code, run = experiment(*arguments, config=f"configs/{setting}.yaml", name=setting)
    assert code == 0
    metrics = json.loads((run / "metrics.json").read_text())
    assert {"nli/id/accuracy", "paraphrase/id/accuracy", "macro"} <= metrics.keys()
    masks = load_masks(run / "masks.safetensors")
    sizes = [keep.numel() for keep in masks.values()]
    kept = [int(keep.sum()) for keep in masks.values()]
    assert all(name.endswith(".sigma" if setting.startswith("rank") else ".weight") for name in masks)
    assert len(masks) == 12
    if scope == "local":
        assert kept == [num_kept(size, 0.9) for size in sizes]
    else:
        assert sum(kept) == num_kept(sum(sizes), 0.9)
    assert metrics["density"] == pytest.approx(sum(kept) / sum(sizes))
    assert ("wasted_ranks" in metrics) == setting.startswith("rank")
    assert 0 < metrics["parameter_density"] < 1
    # What is frozen stays, what is pruned in the end was trained before.
    state = read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
    assert all(value.isfinite().all() or name.endswith("threshold") for name, value in state.items())


def test_movement_s_scores_against_a_plain_straight_through_reference():
    """Twenty steps of Adam on weights and scores, the mask taken anew each step (Sanh et al. 2020, section 4)."""
    torch.manual_seed(0)
    linear = nn.Linear(12, 8)
    weight, bias = (value.detach().clone().requires_grad_() for value in (linear.weight, linear.bias))
    scores = torch.zeros_like(weight, requires_grad=True)
    layer = MaskedLinear.from_linear(linear, lambda masked: LearnedMask(torch.zeros_like(masked)))
    optimizers = [
        torch.optim.AdamW([{"params": own, "lr": 3e-2}, {"params": [learned], "lr": 1e-2}], weight_decay=0.0)
        for own, learned in (([layer.weight, layer.bias], layer.mask.scores), ([weight, bias], scores))
    ]
    for step in range(20):
        sparsity = 0.05 * step
        x, target = torch.randn(16, 12), torch.randn(16, 8)
        refresh([layer.mask], sparsity)
        keep = torch.zeros_like(scores)
        order = scores.detach().flatten().argsort(descending=True, stable=True)
        keep.view(-1)[order[: num_kept(96, sparsity)]] = 1
        assert torch.equal(layer.mask.keep, keep.bool())
        outputs = layer(x), F.linear(x, weight * (keep + scores - scores.detach()), bias)
        for output, optimizer in zip(outputs, optimizers, strict=True):
            optimizer.zero_grad()
            (output - target).square().mean().backward()
            optimizer.step()
        torch.testing.assert_close(layer.mask.scores, scores)
        torch.testing.assert_close(layer.weight, weight)
    assert scores.abs().max() > 0.05


@pytest.mark.parametrize("scope", ["local", "global"])
def test_magnitude_follows_the_weights_as_torch_prunes_them(scope):
    torch.manual_seed(0)
    layers = [
        MaskedLinear.from_linear(nn.Linear(9, size), lambda weight: ReversibleMask(torch.ones_like(weight).bool()))
        for size in (9, 5)
    ]
    optimizer = torch.optim.AdamW([value for layer in layers for value in layer.parameters()], lr=0.1, weight_decay=0.0)
    came_back = 0
    for step in range(1, 10):
        x = torch.randn(8, 9)
        optimizer.zero_grad()
        layers[1](layers[0](x)).square().mean().backward()
        optimizer.step()
        before = [layer.mask.keep.clone() for layer in layers]
        plain = [nn.Linear(9, size) for size in (9, 5)]
        for layer, other in zip(layers, plain, strict=True):
            other.weight.data.copy_(layer.weight)
        for pool in [layers] if scope == "global" else [[layer] for layer in layers]:
            set_anew([each.mask for each in pool], [Magnitude()(each.weight, 0.1 * step) for each in pool], 0.1 * step)
        if scope == "global":
            amount = 126 - num_kept(126, 0.1 * step)
            prune.global_unstructured([(each, "weight") for each in plain], prune.L1Unstructured, amount=amount)
        else:
            for each in plain:
                prune.l1_unstructured(
                    each, "weight", amount=each.weight.numel() - num_kept(each.weight.numel(), 0.1 * step)
                )
        for layer, other, earlier in zip(layers, plain, before, strict=True):
            assert torch.equal(layer.mask.keep, other.weight_mask.bool())
            came_back += int((layer.mask.keep & ~earlier).sum())
    assert came_back > 0


def resumed(experiment, tmp_path, *arguments, config):
    """The folder of a run that is cut off between two evaluations, and resumed."""
    with pytest.raises(SystemExit):
        experiment(*arguments, cut_off_by("run_helpers.CutOff", 7), config=config, name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    return run


@pytest.mark.parametrize("task_masks", ["separate", "hybrid", "hybrid_rescaled"])
def test_tasks_have_masks_of_their_own_and_a_resumed_run_has_the_same(task_masks, experiment, two_tasks, tmp_path):
    arguments = ("--config", two_tasks, f"--model.init_args.task_masks={task_masks}", *BRIEF)
    code, whole = experiment(*arguments, config="configs/movement.yaml", name="whole")
    assert code == 0
    masks = {task: load_masks(whole / f"{task}_masks.safetensors") for task in ("nli", "paraphrase")}
    shares = {task: [float(keep.float().mean()) for keep in each.values()] for task, each in masks.items()}
    kept = sum(int(keep.sum()) for each in masks.values() for keep in each.values())
    size = sum(keep.numel() for keep in masks["nli"].values())
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["density"] == pytest.approx(kept / (2 * size))
    assert metrics["denominator"].endswith("on average over 2 tasks")
    of_any = sum(int((keep | masks["paraphrase"][name]).sum()) for name, keep in masks["nli"].items())
    vectors = 2 * (4 * 16 + 32 + 16 + 4 * 16)  # of two layers: biases and two LayerNorms
    assert metrics["parameter_density"] == pytest.approx((kept / 2 + vectors) / (size + vectors))
    assert metrics["stored_density"] == pytest.approx((of_any + vectors) / (size + vectors))
    assert metrics["mask_bits"] == 2 * size
    if task_masks == "separate":
        assert kept == 2 * num_kept(size, 0.9)
    elif task_masks == "hybrid":
        assert num_kept(size, 0.9) < kept / 2 < 2 * num_kept(size, 0.9)
    else:
        assert 0.99 * num_kept(size, 0.9) < kept / 2 <= num_kept(size, 0.9)
    assert shares["nli"] != shares["paraphrase"]

    cut = resumed(experiment, tmp_path, *arguments, config="configs/movement.yaml")
    for task, each in masks.items():
        again = load_masks(cut / f"{task}_masks.safetensors")
        assert all(torch.equal(again[name], keep) for name, keep in each.items())
    assert json.loads((cut / "metrics.json").read_text())["nli/id/loss"] == metrics["nli/id/loss"]
    trained = read_run(whole, "nli")
    assert all(
        torch.equal(trained.model.get_submodule(name.removesuffix(".weight")).mask.keep, keep)
        for name, keep in masks["nli"].items()
    )


def test_a_resumed_run_draws_the_same_random_scores(experiment, tmp_path):
    arguments = (*BRIEF, "--model.init_args.criterion=lit_prune.sparsity.criteria.Random")
    code, whole = experiment(*arguments, config="configs/magnitude.yaml", name="whole")
    assert code == 0
    assert_same(resumed(experiment, tmp_path, *arguments, config="configs/magnitude.yaml"), whole)


@pytest.mark.parametrize("setting", ["magnitude", "rank_magnitude"])
def test_a_resumed_run_is_the_same_bit_for_bit(setting, experiment, tmp_path):
    config = f"configs/{setting}.yaml"
    code, whole = experiment(*BRIEF, config=config, name="whole")
    assert code == 0
    assert_same(resumed(experiment, tmp_path, *BRIEF, config=config), whole)
    trained = read_run(whole, None)
    masks = load_masks(whole / "masks.safetensors")
    for name, keep in masks.items():
        layer, _, masked = name.rpartition(".")
        assert torch.equal(trained.model.get_submodule(layer).mask.keep, keep)
        assert masked == trained.model.get_submodule(layer).MASKED


def test_a_run_by_rank_is_exported_as_plain_matrices(experiment, tmp_path):
    code, run = experiment(*BRIEF, config="configs/rank_magnitude.yaml")
    assert code == 0
    assert main(["export", str(run), "--format", "dense", "--out", str(tmp_path / "dense")]) == 0
    expected, loaded = read_run(run, None).model, load(tmp_path / "dense")
    inputs = loaded.encoder.tokenizer(["a b", "c d e"], ["f", "g"], return_tensors="pt", padding=True)
    with torch.no_grad():
        torch.testing.assert_close(loaded(**inputs).logits, expected(**inputs).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            ["--model.init_args.task_masks=each"],
            "unknown task_masks 'each': choose from shared, separate, hybrid, hybrid_rescaled",
        ),
        (
            [
                "--model.init_args.task_masks=separate",
                "--model.init_args.criterion=lit_prune.sparsity.criteria.Magnitude",
            ],
            "must be shared for a criterion that does not accumulate, got 'separate'",
        ),
        (["--model.init_args.scope=layer"], "unknown scope 'layer': choose from local"),
        (["--model.init_args.scope=[[query, key], [value]]"], "must contain each of"),
        (["--model.init_args.refresh_every=0"], "refresh_every must be 1 or more optimizer steps, got 0"),
        (["--model.init_args.schedule.init_args.start=0.9"], "must be 0 <= start < end <= 1, got 0.9 and 0.8"),
        (
            ["--model.init_args.prune.learning_rates={'*.sigma': 1.0e-3}"],
            "must name parameters that it trains, got '*.sigma'",
        ),
    ],
)
def test_a_wrong_setting_is_named(arguments, named, experiment, capsys):
    code, run = experiment(*arguments, config="configs/movement.yaml")
    assert code == 2
    assert named in capsys.readouterr().err
    assert not (run / "metrics.json").exists()
