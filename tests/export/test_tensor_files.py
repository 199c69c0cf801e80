"""Tensor files: the same numbers or an error."""

import random

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lit_prune.errors import UserError
from lit_prune.export.tensor_files import load_tensors, save_tensors

TENSORS = {
    "weight": torch.arange(35, dtype=torch.float16).reshape(5, 7),
    "code": torch.arange(50, dtype=torch.uint8),
    "scalar": torch.tensor(3),
    "empty": torch.zeros(0, 4),
}


@pytest.fixture
def path(tmp_path):
    save_tensors(TENSORS, tmp_path / "file", {"note": "text"})
    return tmp_path / "file"


def test_what_is_saved_is_loaded(path):
    tensors, metadata = load_tensors(path)
    assert metadata == {"note": "text"}
    (path.parent / "plain").touch()
    assert path.stat().st_mode == (path.parent / "plain").stat().st_mode  # for others to read, as far as the user lets
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())


@pytest.mark.parametrize("kind", ["truncated", "flipped"])
def test_a_damaged_file_is_an_error_or_the_same_numbers(path, kind):
    whole, draw = path.read_bytes(), random.Random(0)
    for _ in range(100):
        place = draw.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :]
        path.write_bytes(whole[:place] if kind == "truncated" else flipped)
        try:
            tensors, metadata = load_tensors(path)
        except UserError:
            continue
        assert metadata == {"note": "text"}
        assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())


def test_a_file_without_a_checksum_or_none_at_all_is_an_error(tmp_path):
    save_file(TENSORS, tmp_path / "foreign")
    with pytest.raises(
        UserError, match=r"foreign must be written by lit_prune export, got .*: load a model of transformers"
    ):
        load_tensors(tmp_path / "foreign")
    with pytest.raises(UserError, match="nothing"):
        load_tensors(tmp_path / "nothing")


def test_a_tensor_that_has_several_names_is_written_once(tmp_path):
    table = torch.arange(100, dtype=torch.float32).reshape(10, 10)
    named = {"first": table, "second": table, "other way round": table.t(), "equal": table.clone()}
    save_tensors(named, tmp_path / "file", {})
    tensors, metadata = load_tensors(tmp_path / "file")
    assert metadata == {}
    assert tensors.keys() == named.keys()
    assert all(torch.equal(tensors[name], value) for name, value in named.items())
    assert 3 * table.nbytes < (tmp_path / "file").stat().st_size < 4 * table.nbytes + 300
    with safe_open(tmp_path / "file", framework="pt") as file:
        assert set(file.keys()) == {"first", "other way round", "equal"}
