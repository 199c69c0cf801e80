"""A run's model rebuilt from its folder."""

import shutil

import pytest
import torch
import yaml
from run_helpers import copy_runs

from lit_prune.errors import UserError
from lit_prune.export.trained import read_run
from lit_prune.sparsity.files import load_masks
from lit_prune.sparsity.install import masked_layers


def test_the_selected_model_comes_back_with_its_masks(any_run):
    trained = read_run(any_run, None)
    assert trained.model.tasks[trained.task].labels == ("contradiction", "entailment", "neutral")
    assert not trained.model.training
    masks = load_masks(any_run / "masks.safetensors")
    layers = masked_layers(trained.model)
    assert {f"{name}.weight" for name in layers} == masks.keys()
    assert all(torch.equal(layer.mask.keep, masks[f"{name}.weight"]) for name, layer in layers.items())


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (["config.yaml", "model.json"], "is it a run"),
        (["run.json"], "give a run"),
        (["metrics.json"], "--resume"),
        (["checkpoints"], "best.ckpt"),
    ],
)
def test_an_incomplete_run_is_an_error_with_a_remedy(finished_run, tmp_path, missing, message):
    run = tmp_path / "version_0"
    shutil.copytree(finished_run, run, ignore=shutil.ignore_patterns(*missing))
    with pytest.raises(UserError, match=message):
        read_run(run, None)


def test_an_unknown_task_is_an_error_that_names_those_there_are(finished_run):
    with pytest.raises(UserError, match=r"'qa'.*nli"):
        read_run(finished_run, "qa")


def rewritten(run, folder, change):
    """A copy of a run whose tasks `change` has changed in place."""
    copy_runs(run, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    change(config["data"]["tasks"])
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def test_of_several_tasks_one_must_be_named(finished_run, tmp_path):
    def add(tasks):
        tasks.append({"init_args": {"name": "other", "labels": ["a", "b"]}})

    run = rewritten(finished_run, tmp_path / "version_0", add)
    with pytest.raises(UserError, match=r"must fit"):
        read_run(run, None)  # the run has no such head
    with pytest.raises(UserError, match=r"'qa'.*nli, other"):
        read_run(run, "qa")
    assert read_run(run, "nli").task == "nli"


@pytest.mark.parametrize("task", [None, "nli"])
def test_a_task_of_a_kind_that_is_not_known_is_refused(finished_run, tmp_path, task):
    def change(tasks):
        tasks[0]["class_path"] = "someone.Ranking"
        del tasks[0]["init_args"]["labels"]

    run = rewritten(finished_run, tmp_path / "version_0", change)
    with pytest.raises(UserError, match=r"unknown class 'someone.Ranking' of task 'nli', which has no labels"):
        read_run(run, task)


def test_another_encoder_in_the_configuration_is_an_error(finished_run, tmp_path, tiny_roberta):
    run = copy_runs(finished_run, tmp_path / "version_0")
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["encoder"]["backbone"] = str(tiny_roberta)
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(UserError, match="must fit"):
        read_run(run, None)


@pytest.mark.parametrize("name", ["heads.ghost.weight", "elsewhere.weight"])
def test_a_tensor_that_the_model_does_not_have_is_refused(finished_run, tmp_path, name):
    run = copy_runs(finished_run, tmp_path / "version_0")
    checkpoint = torch.load(run / "checkpoints/best.ckpt")
    checkpoint["state_dict"][name] = torch.ones(1)
    torch.save(checkpoint, run / "checkpoints/best.ckpt")
    with pytest.raises(UserError, match=f"best.ckpt must have tensors of its model alone, got '{name}': "):
        read_run(run, None)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["model"]["class_path"] = "own.Paradigm"  # a user's, which may have modules that no export needs
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert read_run(run, None).task == "nli"


def test_a_backbone_in_a_local_folder_has_a_name_without_its_path(finished_run, tiny_backbone):
    assert read_run(finished_run, None).backbone == (f"the local model {tiny_backbone.name}", "", "main")
