"""The packed format: whole state dicts, and their size at the shape of BERT-base."""

import pytest
import torch
from safetensors.torch import load_file

from lit_prune.export.coding import encode
from lit_prune.export.formats.packed import pack_state, quantise_state, unpack_state
from lit_prune.export.tensor_files import load_tensors, save_tensors

LAYER = {f"attention.{name}": (768, 768) for name in ("query", "key", "value", "output")}
LAYER |= {"intermediate": (3072, 768), "output": (768, 3072)}


def bert_base(density):
    """The 72 matrices with biases and LayerNorm in float16, and random masks."""
    generator = torch.Generator().manual_seed(0)
    state, keeps = {}, {}
    for layer in range(12):
        for name, shape in LAYER.items():
            key = f"encoder.backbone.encoder.layer.{layer}.{name}"
            keeps[f"{key}.weight"] = torch.rand(shape, generator=generator) < density
            state[f"{key}.weight"] = torch.full(shape, 0.02, dtype=torch.float16)
            state[f"{key}.bias"] = torch.zeros(shape[0], dtype=torch.float16)
        for name in ("attention.LayerNorm", "output.LayerNorm"):
            for kind in ("weight", "bias"):
                state[f"encoder.backbone.encoder.layer.{layer}.{name}.{kind}"] = torch.ones(768, dtype=torch.float16)
    return state, keeps


@pytest.mark.parametrize(("density", "limit"), [(0.1, 28e6), (0.03, 8e6)])
def test_bert_base_takes_few_bytes(tmp_path, density, limit):
    state, keeps = bert_base(density)
    assert len(keeps) == 72
    tensors, metadata = pack_state(state, {"": keeps})
    save_tensors(tensors, tmp_path / "packed", metadata)
    assert (tmp_path / "packed").stat().st_size <= limit


def test_masks_of_bert_base_alone_take_a_bit_per_weight_at_most():
    keep = torch.rand(768, 3072) < 0.5
    assert 36 * encode(keep.numpy()).nbytes <= 10.7e6  # as many weights as the 72 matrices


@pytest.mark.parametrize("density", [0.3, 0.0])
def test_unpacking_gives_the_dense_state(density, tmp_path):
    state = {"a.weight": torch.randn(5, 9), "a.bias": torch.randn(5), "count": torch.tensor(3)}
    keeps = {"a.weight": torch.rand(5, 9) < density}
    packed, metadata = pack_state(state, {"": keeps})
    state["a.weight"] = state["a.weight"] * keeps["a.weight"]
    save_tensors(packed, tmp_path / "packed", metadata)
    unpacked = unpack_state(*load_tensors(tmp_path / "packed"))
    assert unpacked.keys() == state.keys()
    assert all(torch.equal(unpacked[name], value) for name, value in state.items())


@pytest.mark.parametrize("density", [0.3, 0.0])
def test_int8_keeps_each_row_to_half_a_step_and_tied_tensors_once(density, tmp_path):
    state = {
        "a.weight": torch.randn(5, 9),
        "a.bias": torch.randn(5),
        "table": torch.randn(6, 4),
        "count": torch.tensor(3),
        "own.scale": torch.randn(2, 3),
    }
    state["tied"] = state["table"]
    keeps = {"a.weight": torch.rand(5, 9) < density}
    state["a.weight"] = state["a.weight"] * keeps["a.weight"]
    packed, metadata = quantise_state(*pack_state(state, {"": keeps}))
    save_tensors(packed, tmp_path / "packed", metadata)
    assert sum(value.nbytes for value in load_file(tmp_path / "packed").values() if value.shape == (6, 4)) == 24
    unpacked = unpack_state(*load_tensors(tmp_path / "packed"))
    assert unpacked.keys() == state.keys()
    assert torch.equal(unpacked["count"], state["count"])
    assert torch.equal(unpacked["a.bias"], state["a.bias"].half())
    assert (unpacked["a.weight"][~keeps["a.weight"]] == 0).all()
    for name in ("a.weight", "table", "tied"):
        step = state[name].abs().amax(1, keepdim=True) / 127
        assert ((unpacked[name] - state[name]).abs() <= step * 0.501).all()


def test_masks_by_task_are_those_of_int8_too():
    state = {"a.weight": torch.randn(5, 9)}
    keeps = {task: {"a.weight": torch.rand(5, 9) < 0.5} for task in ("one", "two")}
    plain, rounded = unpack_state(*(found := pack_state(state, keeps))), unpack_state(*quantise_state(*found))
    assert plain.keys() == rounded.keys()
    assert all(torch.equal(rounded[name], value) for name, value in plain.items() if ".mask." in name)
