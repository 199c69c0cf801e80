"""Reading checkpoints: what is loaded, and that nothing else is, nor runs."""

import os
import pickle

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.runs.checkpoints import find_dense, load_dense, read_checkpoint

CHECKPOINT = {"state_dict": {"weight": torch.arange(6.0)}, "lit_prune": {"phase": "dense"}, "global_step": 3}


@pytest.fixture
def path(tmp_path):
    torch.save(CHECKPOINT, tmp_path / "dense.ckpt")
    return tmp_path / "dense.ckpt"


def test_what_was_saved_is_read(path):
    read = read_checkpoint(path)
    assert torch.equal(read["state_dict"]["weight"], torch.arange(6.0))
    assert read["lit_prune"] == {"phase": "dense"}


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.ckpt", tmp_path):
        with pytest.raises(UserError, match=f"the checkpoint must exist, got {path}"):
            read_checkpoint(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_named(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=rf"{path} must be a checkpoint, got a truncated"):
        read_checkpoint(path)


class Touch:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_code_in_a_checkpoint_does_not_run(path, tmp_path):
    planted = tmp_path / "planted"
    torch.save({**CHECKPOINT, "more": Touch(planted)}, path)
    with pytest.raises(UserError, match=f"{path} must be a checkpoint"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps({**CHECKPOINT, "more": Touch(planted)}, protocol=2))
    with pytest.raises(UserError, match=f"{path} must be a checkpoint"):
        read_checkpoint(path)
    assert not planted.exists()
    torch.load(_saved(Touch(planted), tmp_path), weights_only=False)
    assert planted.exists()  # the bait works


def _saved(value, folder):
    torch.save(value, folder / "bait.ckpt")
    return folder / "bait.ckpt"


@pytest.mark.parametrize("text", ["a text", "seed: 1\nmodel: x\n", "{}"])
def test_a_text_is_named(path, text):
    path.write_text(text)
    with pytest.raises(UserError, match=f"{path} must be a checkpoint"):
        read_checkpoint(path)


@pytest.mark.parametrize("foreign", [{"state_dict": {}}, {"lit_prune": {}}, {"weight": torch.ones(2)}, [1, 2], "text"])
def test_a_checkpoint_of_another_program_is_named(path, foreign):
    torch.save(foreign, path)
    with pytest.raises(UserError, match=f"{path} must be a checkpoint of lit_prune"):
        read_checkpoint(path)


def test_of_a_runs_folder_the_dense_model_comes_before_the_best(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    with pytest.raises(UserError, match=r"must be a run with .*dense.ckpt or .*best.ckpt, got .*name logs/"):
        find_dense(str(tmp_path))
    for name in ("last", "best", "dense"):
        (folder / f"{name}.ckpt").touch()
        if name != "last":
            assert find_dense(str(tmp_path)) == folder / f"{name}.ckpt"
    assert find_dense(str(folder / "last.ckpt")) == folder / "last.ckpt"


def test_a_name_that_is_neither_a_run_nor_a_file(tmp_path):
    with pytest.raises(UserError, match=r"start_from must be a run's folder or a checkpoint file, got '.*none'"):
        find_dense(str(tmp_path / "none"))


def test_a_file_of_more_tensors_than_any_model_has_is_not_loaded(path, monkeypatch):
    torch.save(CHECKPOINT | {"state_dict": {f"{number}": torch.ones(1) for number in range(50)}}, path)
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("loaded"))
    monkeypatch.setattr("lit_prune.runs.checkpoints._MOST_ENTRIES", 50)
    with pytest.raises(UserError, match=r"it has 5\d entries, more than 50"):
        read_checkpoint(path)
    monkeypatch.setattr("lit_prune.runs.checkpoints._MOST_ENTRIES", 60)
    monkeypatch.setattr("lit_prune.runs.checkpoints._LARGEST_PICKLE", 1000)
    with pytest.raises(UserError, match=r"what it holds beside tensors has more than 1,000 bytes"):
        read_checkpoint(path)


def test_a_link_that_a_user_names_leads_to_its_checkpoint(path, tmp_path):
    (tmp_path / "link.ckpt").symlink_to(path)
    assert find_dense(str(tmp_path / "link.ckpt")) == path


def test_a_state_is_copied_into_the_module(path):
    module, other = nn.Linear(3, 2), nn.Linear(3, 2)
    load_dense(module, other.state_dict(), path)
    assert torch.equal(module.weight, other.weight)
    with torch.no_grad():
        other.weight.zero_()
    assert not torch.equal(module.weight, other.weight)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"weight": torch.ones(2, 4), "bias": torch.ones(2)},
            r"1 tensors that differ, first weight \(checkpoint \(2, 4\), ",
        ),
        ({"weight": torch.ones(2, 3)}, r"1 tensors that differ, first bias \(checkpoint nothing, this model \(2,\)\)"),
        (
            {"weight": torch.ones(2, 3), "bias": torch.ones(2), "scale": torch.ones(1)},
            r"1 tensors that differ, first scale \(checkpoint \(1,\), this model nothing\)",
        ),
        (
            {"weight": torch.ones(2, 3), "bias": torch.ones(2), "a.mask.keep": torch.ones(1)},
            r"must be a dense model, got a masked one: start from",
        ),
    ],
)
def test_a_state_of_another_architecture_changes_nothing(path, state, message):
    module = nn.Linear(3, 2)
    before = module.weight.detach().clone()
    with pytest.raises(UserError, match=rf"{path} .*{message}"):
        load_dense(module, state, path)
    assert torch.equal(module.weight, before)
