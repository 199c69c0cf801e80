"""Masks in the layout of the authors' release, of a BERT of twelve layers that is made small."""

import copy

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from lit_prune.errors import UserError
from lit_prune.sparsity.smp_masks import apply_smp_masks

KINDS = ("attention.self.query", "attention.self.key", "attention.self.value")
KINDS += ("attention.output.dense", "intermediate.dense", "output.dense")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    shape = {"num_hidden_layers": 12, "hidden_size": 12, "intermediate_size": 20, "num_attention_heads": 2}
    return BertForMaskedLM(BertConfig(vocab_size=50, max_position_embeddings=16, **shape)).eval()


@pytest.fixture
def released(model, tmp_path):
    """A file of random masks, and the masks by the names in the authors' code."""
    draw = np.random.default_rng(0)
    names = [f"bert.encoder.layer.{layer}.{kind}" for layer in range(12) for kind in KINDS]
    masks = {name: draw.random(model.get_submodule(name).weight.shape) < 0.3 for name in names}
    in_order = sorted(masks, key=lambda name: f"{name}.mask_scores")  # layer 10 comes before layer 2
    np.save(tmp_path / "masks.npy", np.packbits(np.concatenate([masks[name].ravel() for name in in_order])))
    return tmp_path / "masks.npy", masks


def test_released_masks_give_the_logits_of_the_masked_language_model(model, released):
    path, masks = released
    texts = torch.randint(50, (4, 10))
    expected = copy.deepcopy(model)
    for name, mask in masks.items():
        linear = expected.get_submodule(name)
        linear.weight.data = linear.weight.data * torch.from_numpy(mask)
    pruned = copy.deepcopy(model)
    found = apply_smp_masks(pruned, path)
    assert {name: int(mask.sum()) for name, mask in found.items()} == {
        f"{name}.weight": int(mask.sum()) for name, mask in masks.items()
    }
    labels = [7, 3, 9]  # the words of the labels
    with torch.no_grad():
        logits, dense = pruned(texts).logits[:, 0, labels], model(texts).logits[:, 0, labels]
        assert torch.equal(logits, expected(texts).logits[:, 0, labels])
    assert not torch.allclose(logits, dense)


def test_a_file_of_another_model_or_kind_is_rejected(model, released, tmp_path):
    path, _ = released
    smaller = BertForMaskedLM(
        BertConfig(num_hidden_layers=1, hidden_size=12, intermediate_size=20, num_attention_heads=2)
    )
    before = copy.deepcopy(smaller.state_dict())
    with pytest.raises(UserError, match=r"masks.npy must have 1,056 bits in bytes, .*, got uint8 of shape \(1584,\)"):
        apply_smp_masks(smaller, path)
    np.save(tmp_path / "floats.npy", np.zeros(132))
    with pytest.raises(UserError, match="got float64 of shape"):
        apply_smp_masks(smaller, tmp_path / "floats.npy")
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    for name in ("objects", "text", "missing"):
        with pytest.raises(UserError, match=f"{name}.npy must be an array of packed bits: "):
            apply_smp_masks(smaller, tmp_path / f"{name}.npy")
    assert all(torch.equal(value, before[name]) for name, value in smaller.state_dict().items())
