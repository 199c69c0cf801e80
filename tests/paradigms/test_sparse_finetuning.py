"""Sparse fine-tuning: what is tuned, and that nothing else moves."""

import json

import pytest
import torch
from runs import cut_off_by, without_callbacks

from lit_prune.checkpoints import read_checkpoint
from lit_prune.cli import main

CRITERIA = {
    "sam": "{class_path: lit_prune.sparsity.gradients.GradientCriterion, init_args: {num_batches: 3}}",
    "fisher": "{class_path: lit_prune.sparsity.gradients.GradientCriterion, init_args: {num_batches: 3, of: square}}",
    "random": "lit_prune.sparsity.criteria.Random",
    "magnitude": "lit_prune.sparsity.criteria.Magnitude",
}
BRIEF = ("--model.init_args.tune.steps=10", "--trainer.val_check_interval=5")


def states(run, name="best"):
    base, tuned = (read_checkpoint(run / "checkpoints" / f"{each}.ckpt")["state_dict"] for each in ("dense", name))
    assert base.keys() == tuned.keys()
    return base, tuned


def changed(run):
    base, tuned = states(run)
    return {name: (int((tuned[name] != value).sum()), value.numel()) for name, value in base.items()}


@pytest.mark.parametrize("scope", ["tensor", "global"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_no_more_than_the_share_moves_and_all_of_it_does(criterion, scope, experiment):
    settings = (f"--model.init_args.criterion={CRITERIA[criterion]}", f"--model.init_args.scope={scope}")
    decay = ("--model.init_args.share=0.02", "--model.init_args.tune.weight_decay=0.1")
    code, run = experiment(*settings, *decay, *BRIEF, config="configs/sam.yaml")
    assert code == 0
    moved = changed(run)
    encoder = {name: each for name, each in moved.items() if name.startswith("encoder.")}
    metrics = json.loads((run / "metrics.json").read_text())
    size = sum(numel for _, numel in encoder.values())
    if scope == "tensor":
        allowed = {name: int(0.02 * numel) for name, (_, numel) in encoder.items()}
        assert all(num <= allowed[name] for name, (num, _) in encoder.items())
        assert metrics["tuned"] == sum(allowed.values())
    else:
        assert metrics["tuned"] == int(0.02 * size)
    assert metrics["tuned_share"] == metrics["tuned"] / size
    num_moved = sum(num for num, _ in encoder.values())
    assert num_moved <= metrics["tuned"]
    if criterion == "sam":  # what has a gradient moves
        assert num_moved > 0.9 * metrics["tuned"]
    assert any(num for name, (num, _) in moved.items() if name.startswith("heads."))


def test_the_head_alone_is_a_share_of_0_and_all_biases_one_of_1(experiment):
    code, run = experiment("--model.init_args.share=0", *BRIEF, config="configs/sam.yaml", name="head")
    assert code == 0
    assert not any(num for name, (num, _) in changed(run).items() if name.startswith("encoder."))
    code, run = experiment(*BRIEF, config="configs/bitfit.yaml", name="bitfit")
    assert code == 0
    moved = {name for name, (num, _) in changed(run).items() if num and name.startswith("encoder.")}
    assert moved
    assert all(name.endswith(".bias") for name in moved)


def test_what_is_frozen_is_on_disk_once(experiment):
    code, run = experiment(*BRIEF, config="configs/sam.yaml")
    assert code == 0
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    own = [name for name in checkpoint["state_dict"] if not name.startswith("heads.")]
    assert own
    assert all(name.endswith((".0.values", ".0.index")) for name in own)
    num = sum(each["exp_avg"].numel() for each in checkpoint["optimizer_states"][0]["state"].values())
    base, _ = states(run)
    heads = sum(value.numel() for name, value in base.items() if name.startswith("heads."))
    assert num == heads + json.loads((run / "metrics.json").read_text())["tuned"]


@pytest.mark.parametrize("step", [2, 7])
def test_a_resumed_run_is_the_same_bit_for_bit(step, experiment, tmp_path):
    code, whole = experiment(*BRIEF, config="configs/sam.yaml", name="whole")
    assert code == 0
    with pytest.raises(SystemExit):
        experiment(*BRIEF, cut_off_by("runs.CutOff", step), config="configs/sam.yaml", name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    for name in ("best", "last"):
        (_, expected), (_, found) = (states(each, name) for each in (whole, run))
        assert all(torch.equal(found[key], value) for key, value in expected.items())
    assert (run / "predictions.parquet").read_bytes() == (whole / "predictions.parquet").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--model.init_args.share=1.5"], "share is 1.5"),
        (["--model.init_args.scope=layer"], "scope is 'layer', needed is one of tensor, global"),
        (["--model.init_args.targets=['*.colour']"], "targets names '*.colour'"),
        (["--model.init_args.criterion.init_args.of=cube"], "of is 'cube'"),
        (["--model.init_args.criterion.init_args.num_batches=0"], "num_batches is 0"),
    ],
)
def test_a_wrong_setting_is_named(arguments, named, experiment, capsys):
    code, run = experiment(*arguments, config="configs/sam.yaml")
    assert code == 2
    assert named in capsys.readouterr().err
    assert not (run / "metrics.json").exists()
