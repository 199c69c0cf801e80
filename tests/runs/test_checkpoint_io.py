"""Checkpoints as Lightning writes and reads them here; killed writers are in tests/test_faults.py."""

import pytest
import torch
from run_helpers import WHOLE

from lit_prune.errors import UserError
from lit_prune.runs.checkpoint_io import AtomicCheckpointIO

CHECKPOINT = {"state_dict": {"weight": torch.arange(6.0)}, "lit_prune": {"base_hash": "of a base that is not there"}}


def test_what_was_written_is_read_without_its_base(tmp_path):
    path = tmp_path / "new" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(WHOLE, path)
    read = AtomicCheckpointIO().load_checkpoint(path)
    assert torch.equal(read["state_dict"]["weight"], torch.ones(2, 3))
    assert read["lit_prune"]["left_out"] == ["heads"]
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(CHECKPOINT, path)
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        AtomicCheckpointIO().save_checkpoint(CHECKPOINT | {"more": lambda: 0}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint(CHECKPOINT, path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.arange(6.0).numpy().tobytes()) + 6] ^= 1
    path.write_bytes(content)
    torch.load(path, weights_only=True)  # by itself it takes the other number
    with pytest.raises(UserError, match=rf"{path} must be a checkpoint, got .*checksum of its entry .* is wrong"):
        AtomicCheckpointIO().load_checkpoint(path)
