"""Fine-tuning after other phases: masks stay, all other weights train."""

from pathlib import Path

import pytest
import torch
import yaml
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks

PHASES = """
phases:
  dense:
    class_path: lit_prune.phases.FineTune
    init_args: {training: {length: 8 steps, learning_rate: 1.0e-3}}
  mask:
    class_path: lit_prune.phases.TrainMasks
    init_args:
      training: {length: 8 steps, learning_rate: 1.0e-2}
      initial_scores: lit_prune.sparsity.criteria.Magnitude
      schedule: {class_path: lit_prune.sparsity.schedules.Constant, init_args: {sparsity: 0.5}}
  retrain:
    class_path: lit_prune.phases.FineTune
    init_args: {training: {length: 8 steps, learning_rate: 1.0e-3}}
"""


@pytest.fixture
def config(tmp_path):
    """A configuration that retrains the weights that a trained mask leaves."""
    whole = yaml.safe_load(Path("configs/srnet_poe.yaml").read_text())
    whole["model"] = {"class_path": "lit_prune.paradigms.Paradigm", "init_args": yaml.safe_load(PHASES)}
    path = tmp_path / "retrain.yaml"
    path.write_text(yaml.safe_dump(whole))
    return path


def test_the_weights_that_a_mask_leaves_are_retrained_and_the_run_resumes(config, experiment, tmp_path):
    often = "--trainer.val_check_interval=4"
    code, run = experiment(often, config=config, name="whole")
    assert code == 0
    before, after = (read_checkpoint(run / "checkpoints" / f"{name}.ckpt")["state_dict"] for name in ("mask", "best"))
    for name, keep in load_masks(run / "masks.safetensors").items():
        assert not after[name][~keep].any()
        assert not torch.equal(before[name][keep], after[name][keep])
        assert torch.equal(
            keep, before[name.replace("weight", "mask.scores")] > before[name.replace("weight", "mask.threshold")]
        )
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(often, cut_off_by("run_helpers.CutOff", 21), config=config, name="cut")
    cut = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(cut)
    assert main(["fit", "--resume", str(cut)]) == 0
    assert_same(cut, run)
