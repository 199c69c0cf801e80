import numpy as np
import pytest
import torch

from lit_prune.compare.sources import open_all
from lit_prune.errors import UserError
from lit_prune.sparsity.files import load_masks, save_masks


def kept(subnetwork):
    """The masks of a subnetwork, unpacked."""
    return {
        name: np.unpackbits(subnetwork.read(name), count=int(np.prod(shape))).reshape(shape)
        for name, shape in subnetwork.shapes.items()
    }


def test_a_runs_masks_are_read(three_runs, three_masks):
    opened = open_all(three_runs)
    for subnetwork, masks in zip(opened, three_masks, strict=True):
        for (name, found), (stored, expected) in zip(kept(subnetwork).items(), masks.items(), strict=True):
            assert stored == f"{name}.weight"
            assert np.array_equal(found, expected.numpy())


def test_an_export_of_masks_is_the_run_it_was_made_of(finished_run, tmp_path):
    from lit_prune.cli import main

    out = tmp_path / "exported"
    assert main(["export", str(finished_run), "--format", "masks", "--out", str(out)]) == 0
    run, export = open_all([str(finished_run), str(out)])
    assert export.name == "export exported"
    assert set(run.shapes) == set(export.shapes)
    assert "heads.nli.classifier" in export.shapes
    assert len(run.shapes) == len(load_masks(finished_run / "masks.safetensors"))
    found = kept(export)
    assert all(np.array_equal(found[name], mask) for name, mask in kept(run).items())


def test_a_run_is_called_by_experiment_version_and_axes(write_run, three_masks):
    plain = write_run("srnet_poe", three_masks[0], seed=3)
    study = write_run("mask/loss=poe/seed=2", three_masks[1], run="mask", loss="poe", seed=2)
    names = [each.name for each in open_all([str(plain), str(study)])]
    assert names == ["srnet_poe/version_0 seed=3", "mask/loss=poe/seed=2/version_0"]


def test_runs_of_one_name_are_told_apart_by_their_folders(write_run, three_masks, tmp_path):
    first = write_run("run", three_masks[0], seed=1)
    other = tmp_path / "elsewhere" / "version_0"
    other.parent.mkdir()
    first.rename(other)
    again = write_run("run", three_masks[1], seed=1)
    names = [each.name for each in open_all([str(other), str(again)])]
    assert names == [f"run/version_0 seed=1 ({other})", f"run/version_0 seed=1 ({again})"]


def test_a_run_given_twice_is_an_error(three_runs, monkeypatch):
    monkeypatch.chdir(three_runs[0])
    with pytest.raises(UserError, match=r"must be different, got \. twice \(as .*run0"):
        open_all([three_runs[0], three_runs[1], "."])


def test_a_dense_run_is_an_error(three_runs, write_run):
    dense = write_run("dense", None, seed=1)
    with pytest.raises(UserError, match="dense/version_0 must be a pruned run, got one without masks"):
        open_all([*three_runs, str(dense)])


def test_the_masks_of_a_run_s_tasks_are_compared_with_each_other(write_run, three_masks):
    run = write_run("tasks", None, seed=1)
    by_task = dict(zip(("nli", "qqp"), three_masks, strict=False))
    for task, masks in by_task.items():
        save_masks(masks, run / f"{task}_masks.safetensors", {})
    opened = open_all([str(run / f"{task}_masks.safetensors") for task in by_task])
    assert [each.name for each in opened] == ["tasks/version_0 seed=1 nli", "tasks/version_0 seed=1 qqp"]
    for subnetwork, masks in zip(opened, by_task.values(), strict=True):
        assert all(np.array_equal(kept(subnetwork)[name.removesuffix(".weight")], mask) for name, mask in masks.items())
    named = "must have one mask file, got one for each task: give one of nli_masks.safetensors, qqp_masks.safetensors"
    with pytest.raises(UserError, match=named):
        open_all([str(run)])


def test_kept_ranks_are_masks_too(write_run):
    masks = {"encoder.backbone.encoder.layer.0.intermediate.dense.sigma": torch.tensor([True, False, True])}
    (opened,) = open_all([str(write_run("ranks", masks, seed=1))])
    assert {name: mask.tolist() for name, mask in kept(opened).items()} == {
        "encoder.backbone.encoder.layer.0.intermediate.dense": [1, 0, 1]
    }


def test_a_run_that_is_not_finished_is_an_error(write_run, three_masks):
    with pytest.raises(UserError, match="--resume"):
        open_all([str(write_run("cut", three_masks[0], complete=False, seed=1))])


def test_what_is_no_run_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"got neither run\.json nor"):
        open_all([str(tmp_path)])


@pytest.mark.parametrize("damage", [b"", b"no safetensors at all"])
def test_a_damaged_file_is_an_error(three_runs, tmp_path, damage):
    path = tmp_path / "runs" / "run1" / "version_0" / "masks.safetensors"
    path.write_bytes(damage)
    with pytest.raises(UserError, match=r"run1/version_0/masks\.safetensors"):
        open_all(three_runs)


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"experiment": 1, "axes": {}}'])
def test_a_damaged_record_is_an_error(three_runs, tmp_path, record):
    (tmp_path / "runs" / "run1" / "version_0" / "run.json").write_text(record)
    with pytest.raises(UserError, match=r"run1/version_0/run\.json must (be|have|contain)"):
        open_all(three_runs)


def test_masks_of_another_architecture_are_an_error_that_names_the_first_difference(three_runs, write_run, three_masks):
    name = list(three_masks[0])[1]
    wider = write_run("wider", three_masks[0] | {name: torch.ones(2, 2, dtype=torch.bool)}, seed=1)
    with pytest.raises(UserError, match=r"layer\.0\.attention\.self\.key 2 x 2 in .*wider.* and 6 x 7 in .*run0"):
        open_all([*three_runs, str(wider)])
    fewer = write_run("fewer", {key: mask for key, mask in three_masks[0].items() if key != name}, seed=1)
    with pytest.raises(UserError, match=r"self\.key not masked in .*fewer.* and 6 x 7 in .*run0"):
        open_all([*three_runs, str(fewer)])
    more = write_run("more", three_masks[0] | {"encoder.further.weight": three_masks[0][name]}, seed=1)
    with pytest.raises(UserError, match=r"encoder\.further 6 x 7 in .*more.* and not masked in .*run0"):
        open_all([*three_runs, str(more)])
