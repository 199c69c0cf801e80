"""A run read back from its folder."""

import shutil

import pytest
import torch

from lit_prune.checkpoints import read_checkpoint
from lit_prune.errors import UserError
from lit_prune.export.run import read_run
from lit_prune.sparsity.files import load_masks


def test_pruned_weights_are_zero_and_the_rest_is_the_checkpoints(finished_run):
    run = read_run(finished_run)
    masks = load_masks(finished_run / "masks.safetensors")
    state = read_checkpoint(finished_run / "checkpoints" / "best.ckpt")["state_dict"]
    assert run.state.keys() == {name for name in state if ".mask." not in name}
    for name, value in run.state.items():
        keep = masks.get(name, torch.ones_like(value, dtype=torch.bool))
        assert torch.equal(value, state[name] * keep)
    assert run.labels == {"nli": ["contradiction", "entailment", "neutral"]}
    assert run.metrics["sparsity"] == pytest.approx(0.5, abs=1e-3)


def test_a_dense_run_has_no_masks_to_fold(finished_dense_run):
    state = read_checkpoint(finished_dense_run / "checkpoints" / "best.ckpt")["state_dict"]
    assert all(torch.equal(value, state[name]) for name, value in read_run(finished_dense_run).state.items())


def test_what_is_no_complete_run_is_named(finished_run, tmp_path):
    with pytest.raises(UserError, match=r"nowhere is not the folder of a run"):
        read_run(tmp_path / "nowhere")
    shutil.copytree(finished_run, tmp_path / "cut")
    (tmp_path / "cut" / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"cut is not complete: finish it by lit_prune fit --resume"):
        read_run(tmp_path / "cut")
