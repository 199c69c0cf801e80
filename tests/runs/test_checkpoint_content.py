"""The content of a checkpoint that someone has written anew: what is missing or of another type is named."""

import copy

import pytest
import torch
from run_helpers import WHOLE

from lit_prune.errors import UserError
from lit_prune.runs.checkpoint_content import check_content, check_resumable
from lit_prune.runs.checkpoints import read_checkpoint


@pytest.fixture
def path(tmp_path):
    (tmp_path / "last.ckpt").write_bytes(bytes(1000))
    return tmp_path / "last.ckpt"


def changed(keys, value):
    """A copy with another value at a place, None: without it."""
    *above, last = keys.split("/")
    checkpoint = holder = copy.deepcopy(WHOLE)
    for key in above:
        holder = holder[key]
    holder[last] = value
    if value is None:
        del holder[last]
    return checkpoint


def test_a_whole_checkpoint_is_one_to_resume_from(path):
    check_content(WHOLE, path)
    check_resumable(WHOLE, path)


@pytest.mark.parametrize("keys", [f"lit_prune/{name}" for name in WHOLE["lit_prune"]])
def test_a_state_of_another_type_is_named(path, keys):
    for value in (3, [[1]], {3: "x"}):
        with pytest.raises(UserError, match=f"got one with {keys.replace('/', '.')} of another type"):
            check_content(changed(keys, value), path)


@pytest.mark.parametrize("state", [{"weight": "text"}, {3: torch.ones(1)}])
def test_a_model_is_tensors_by_name(path, state):
    with pytest.raises(UserError, match="got one with state_dict of another type"):
        check_content(changed("state_dict", state), path)


def test_tensors_that_are_far_larger_than_their_file_are_an_error(path):
    with pytest.raises(UserError, match=r"must have tensors of at most 1,052,576 bytes, got 4,000,000,000,004"):
        check_content(changed("state_dict/weight", torch.zeros(1).expand(10**12)), path)


RESUMED = ("optimizer_states", "lr_schedulers", "loops", "callbacks", "global_step", "pytorch-lightning_version")
OF_A_RUN = ("phase", "ends", "selected", "random_states", "conditions")


@pytest.mark.parametrize("keys", [*RESUMED, *(f"lit_prune/{name}" for name in OF_A_RUN)])
def test_what_a_resumed_run_needs_is_there(path, keys):
    with pytest.raises(UserError, match=r"must be a checkpoint that a run can resume from, got one with .* missing"):
        check_resumable(changed(keys, None), path)
    check_content(changed(keys, None), path)  # a model can be read without


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ("loops", [1]),
        ("global_step", "1"),
        ("pytorch-lightning_version", ""),
        ("pytorch-lightning_version", "1.9.0"),
        ("lit_prune/random_states", []),
        ("lit_prune/selected/dense/step", None),
        ("lit_prune/selected/dense/metrics", {"nli/id/accuracy": "x"}),
        ("lit_prune/selected/dense/more", torch.ones(1)),
    ],
)
def test_what_a_resumed_run_would_write_or_compare_is_of_its_type(path, keys, value):
    with pytest.raises(UserError, match="must be a checkpoint that a run can resume from"):
        check_resumable(changed(keys, value), path)


def test_parts_of_tensors_that_do_not_fit_are_an_error(tmp_path):
    state = {"layer.lora_A.default.weight": torch.zeros(2, 3)}
    torch.save({"state_dict": state, "lit_prune": {}}, tmp_path / "best.ckpt")
    with pytest.raises(UserError, match=r"best\.ckpt must have parts of tensors that fit"):
        read_checkpoint(tmp_path / "best.ckpt")
