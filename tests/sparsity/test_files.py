import contextlib
import json

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from lit_prune.errors import UserError
from lit_prune.sparsity.files import load_masks, load_packed, mask_shapes, save_masks


def masks():
    generator = torch.Generator().manual_seed(0)
    shapes = {"b.weight": (7, 9), "a.weight": (8, 16), "vector": (5,), "scalar": (), "empty": (0, 3)}
    return {name: torch.rand(shape, generator=generator) > 0.5 for name, shape in shapes.items()}


def test_masks_survive_the_round_trip(tmp_path):
    path = tmp_path / "masks.safetensors"
    written = masks() | {"transposed": masks()["b.weight"].T}
    save_masks({"old": torch.ones(3, dtype=torch.bool)}, path, {})
    save_masks(written, path, {"paradigm": "mask training"})
    loaded = load_masks(path)
    assert list(loaded) == list(written)
    assert all(loaded[name].dtype == torch.bool and torch.equal(loaded[name], mask) for name, mask in written.items())
    assert [entry.name for entry in tmp_path.iterdir()] == ["masks.safetensors"]
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["paradigm"] == "mask training"


def test_a_mask_takes_one_bit_per_weight(tmp_path):
    save_masks({"weight": torch.ones(1000, 800, dtype=torch.bool)}, tmp_path / "masks", {})
    assert (tmp_path / "masks").stat().st_size < 800_000 / 8 + 500


def test_a_truncated_file_is_a_user_error(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    save_masks(masks(), whole, {"a": "b"})
    content = whole.read_bytes()
    for size in range(len(content)):
        cut.write_bytes(content[:size])
        with pytest.raises(UserError, match="cut"):
            load_masks(cut)


def test_a_damaged_file_is_a_user_error_or_another_mask(tmp_path):
    whole, damaged = tmp_path / "whole", tmp_path / "damaged"
    save_masks(masks(), whole, {})
    content = whole.read_bytes()
    for position in range(len(content)):
        for value in (0, ord("-"), ord("9"), 255):
            damaged.write_bytes(content[:position] + bytes([value]) + content[position + 1 :])
            with contextlib.suppress(UserError):
                assert all(mask.dtype == torch.bool for mask in load_masks(damaged).values())


@pytest.mark.parametrize("shapes", [None, "[]", "3", '{"w": 3}', '{"w": ["a"]}', '{"w": [-2, -4]}', '{"v": [8]}', "{"])
def test_a_foreign_file_is_a_user_error(tmp_path, shapes):
    path = tmp_path / "foreign"
    metadata = {"format": "pt"} | ({"lit_prune.mask_shapes": shapes} if shapes else {})
    safetensors.torch.save_file({"w": torch.zeros(1, dtype=torch.uint8)}, path, metadata)
    with pytest.raises(UserError, match="foreign"):
        load_masks(path)


def test_other_things_are_user_errors(tmp_path):
    (tmp_path / "text").write_text(json.dumps({"a": 1}) * 20)
    safetensors.torch.save_file({"w": torch.zeros(1)}, tmp_path / "model")
    for path in ("missing", "text", "model", "."):
        with pytest.raises(UserError):
            load_masks(tmp_path / path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "masks"
    save_masks(masks(), path, {})
    monkeypatch.setattr("lit_prune.files.os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_masks({}, path, {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["masks"]
    assert list(load_masks(path)) == list(masks())


def test_a_mask_is_read_alone_and_packed(tmp_path):
    save_masks(masks(), tmp_path / "masks", {})
    assert mask_shapes(tmp_path / "masks") == {name: tuple(mask.shape) for name, mask in masks().items()}
    for name, mask in masks().items():
        assert np.array_equal(load_packed(tmp_path / "masks", name), np.packbits(mask.numpy()))


def test_a_mask_that_is_not_there_is_a_user_error(tmp_path):
    save_masks(masks(), tmp_path / "masks", {})
    with pytest.raises(UserError, match=r"masks must be a mask file, got .*other"):
        load_packed(tmp_path / "masks", "other")
