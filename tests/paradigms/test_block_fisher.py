"""Rounds by the block-Fisher criterion, as the recipe has them, on a tiny encoder."""

import pytest
import torch
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks

RECIPE = "configs/recipes/block_fisher.yaml"
FEW = ("--model.init_args.criterion.init_args.num_gradients=4",)


def test_the_recipe_prunes_corrects_and_resumes_bit_for_bit(experiment, tmp_path):
    code, whole = experiment(*FEW, config=RECIPE, name="whole")
    assert code == 0
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*FEW, cut_off_by("run_helpers.CutOff", 27), config=RECIPE, name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)
    masks = load_masks(whole / "masks.safetensors")
    kept, entries = (sum(each) for each in zip(*((int(m.sum()), m.numel()) for m in masks.values()), strict=True))
    assert kept == entries - int(entries * 0.9 + 1e-6)
    state = read_checkpoint(whole / "checkpoints" / "best.ckpt")["state_dict"]
    assert all(bool((state[name][~keep] == 0).all()) for name, keep in masks.items())

    magnitude = "--model.init_args.criterion=lit_prune.sparsity.criteria.Magnitude"
    code, other = experiment(magnitude, config=RECIPE, name="magnitude")
    assert code == 0
    differ = load_masks(other / "masks.safetensors")
    assert any(not torch.equal(keep, differ[name]) for name, keep in masks.items())
