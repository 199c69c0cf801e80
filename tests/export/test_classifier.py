"""A run's model rebuilt from its folder."""

import shutil

import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.export.classifier import read_run
from lit_prune.sparsity.files import load_masks
from lit_prune.sparsity.install import masked_layers


def test_the_selected_model_comes_back_with_its_masks(any_run):
    trained = read_run(any_run, None)
    assert trained.labels == ("contradiction", "entailment", "neutral")
    assert not trained.model.training
    masks = {
        name.replace("heads.nli.", "head."): keep for name, keep in load_masks(any_run / "masks.safetensors").items()
    }
    layers = masked_layers(trained.model)
    assert {f"{name}.weight" for name in layers} == masks.keys()
    assert all(torch.equal(layer.mask.keep, masks[f"{name}.weight"]) for name, layer in layers.items())


@pytest.mark.parametrize(
    ("missing", "message"), [("config.yaml", "is it a run"), ("metrics.json", "--resume"), ("checkpoints", "best.ckpt")]
)
def test_an_incomplete_run_is_an_error_with_a_remedy(finished_run, tmp_path, missing, message):
    run = tmp_path / "version_0"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns(missing))
    with pytest.raises(UserError, match=message):
        read_run(run, None)


def test_an_unknown_task_is_an_error_that_names_those_there_are(finished_run):
    with pytest.raises(UserError, match=r"'qa'.*nli"):
        read_run(finished_run, "qa")
