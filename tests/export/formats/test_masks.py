"""Masks without weights: they fit one model, and no other."""

import shutil

import pytest
import torch

import lit_prune
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.export.trained import read_run
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.install import dense_state_dict


def test_masks_over_their_base_are_the_trained_model(any_run, export, difference):
    folder = export(any_run, "masks")
    model = lit_prune.load(folder, base=any_run)
    assert difference(model, model.encoder.tokenizer, any_run) <= 1e-5
    expected = dense_state_dict(read_run(any_run, None).model)
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    weights = sum(value.numel() for value in expected.values())
    assert (folder / "masks.safetensors").stat().st_size < weights  # a float32 takes four times as much
    assert "base=RUN" in (folder / "README.md").read_text()


def test_another_model_is_refused_and_the_right_one_named(finished_run, finished_dense_run, export, tmp_path):
    folder = export(finished_run, "masks")
    with pytest.raises(
        UserError, match=r"base must be .*, got none: .*the dense model of finished, seed 1.*hash [0-9a-f]{12}"
    ):
        lit_prune.load(folder)
    with pytest.raises(UserError, match="base must be the model that the masks are for, got "):
        lit_prune.load(folder, base=finished_dense_run)
    with pytest.raises(UserError, match="must be a run's folder or a checkpoint file"):
        lit_prune.load(folder, base=tmp_path / "none")
    lit_prune.load(folder, base=finished_run / "checkpoints" / "dense.ckpt")


def test_a_run_that_trained_weights_has_no_masks_to_give_alone(finished_dense_run, tmp_path, capsys):
    command = ["export", str(finished_dense_run), "--format", "masks", "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert "--format must not be masks" in capsys.readouterr().err
    assert main([*command, "--dtype", "float16"]) == 2
    assert "--dtype must be left out, got float16: --format masks writes no weights" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_head_of_another_task_is_not_looked_at(finished_run, export, tmp_path):
    folder = export(finished_run, "masks")
    run = tmp_path / "more" / "version_0"
    shutil.copytree(finished_run, run)
    dense = read_checkpoint(run / "checkpoints" / "dense.ckpt")
    dense["state_dict"]["heads.other.classifier.bias"] = torch.ones(2)
    torch.save(dense, run / "checkpoints" / "dense.ckpt")
    lit_prune.load(folder, base=run)
