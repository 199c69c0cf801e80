"""Masks over weights that nothing fine-tuned."""

import json

import torch
from safetensors.torch import load_file

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint

CONFIG = "configs/mask_only.yaml"


def test_nothing_but_scores_is_trained_and_the_random_head_is_masked_too(experiment, tiny_backbone):
    code, run = experiment(config=CONFIG)
    assert code == 0
    state = read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
    pretrained = load_file(tiny_backbone / "model.safetensors")
    assert all(torch.equal(state[f"encoder.backbone.{name}"], value) for name, value in pretrained.items())
    assert "heads.nli.classifier.mask.scores" in state
    start = read_checkpoint(run / "checkpoints" / "dense.ckpt")["state_dict"]
    assert all(torch.equal(state[name], value) for name, value in start.items())
    values = json.loads((run / "metrics.json").read_text())
    assert values["steps"] == 20
    assert not [name for name in values if name.startswith("dense")]  # a random head is no dense model


def test_any_model_can_be_the_start(experiment, finished_dense_run):
    code, run = experiment(f"--model.init_args.start_from={finished_dense_run}", config=CONFIG)
    assert code == 0
    state = read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"]
    start = read_checkpoint(finished_dense_run / "checkpoints" / "best.ckpt")["state_dict"]
    assert all(torch.equal(state[name], value) for name, value in start.items())


def test_the_masks_are_exported_without_the_weights(experiment, tmp_path):
    _, run = experiment(config=CONFIG)
    assert main(["export", str(run), "--format", "masks", "--out", str(tmp_path / "masks")]) == 0
    assert list((tmp_path / "masks").glob("*.safetensors"))


def test_a_checkpoint_that_does_not_say_what_it_left_out_is_read_too(experiment):
    code, run = experiment(config=CONFIG)
    assert code == 0
    path = run / "checkpoints" / "best.ckpt"
    expected = read_checkpoint(path)["state_dict"]
    checkpoint = torch.load(path, weights_only=True)
    del checkpoint["lit_prune"]["left_out"]
    torch.save(checkpoint, path)
    found = read_checkpoint(path)["state_dict"]
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_run_of_more_tasks_is_a_start_for_one(four_kinds, four_kinds_run, experiment, tmp_path):
    only = ("--config", four_kinds, "--data.only=[nli]", f"--model.init_args.start_from={four_kinds_run}")
    code, run = experiment(*only, "--model.init_args.loss=lit_prune.losses.CrossEntropy", config=CONFIG)
    assert code == 0
    begun, best = (read_checkpoint(each)["state_dict"] for each in checkpoints(four_kinds_run, run))
    weights = [name for name in best if name.startswith(("encoder.", "heads.")) and ".mask." not in name]
    assert {name.split(".")[1] for name in weights if name.startswith("heads.")} == {"nli"}
    assert all(torch.equal(best[name], begun[name]) for name in weights)
    assert main(["predict", str(run), "--split", "id", "--out", str(tmp_path / "said.csv")]) == 0


def checkpoints(start, run):
    return start / "checkpoints" / "dense.ckpt", run / "checkpoints" / "best.ckpt"
