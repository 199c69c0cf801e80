"""Bottleneck adapters: where they are, what they compute, and that they start as the identity."""

import pytest
import torch
from torch import nn
from transformers import AutoModel

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.sparsity.targets import TARGETS
from lit_prune.tuning.adapter import Adapter, add_adapter, has_adapters, install_saved_adapters

POSITIONS = ("pfeiffer", "houlsby")


@pytest.fixture
def make(tiny_family):
    def make(model_type="bert", attention="eager"):
        encoder = PrunableEncoder(str(tiny_family(model_type)), config={"_attn_implementation": attention})
        return nn.ModuleDict({"encoder": encoder, "heads": nn.Linear(encoder.hidden_size, 2)})

    return make


def begin(method, root):
    method.begin(root, lambda num: iter(()), lambda own: own)


def randomise(root):
    torch.manual_seed(1)
    for name, value in root.named_parameters():
        if ".adapter." in name:
            nn.init.normal_(value, std=0.5)


def hidden(root, inputs):
    with torch.inference_mode():
        return root.eval()["encoder"](inputs)[0]


def told(root):
    inputs = root["encoder"].tokenizer(["a b c", "d e f g h"], padding=True, return_tensors="pt")
    return hidden(root, inputs)


def added(adapter, x):
    return (x @ adapter.down.weight.T + adapter.down.bias).relu() @ adapter.up.weight.T + adapter.up.bias


def test_after_a_layer_its_output_has_an_adapter_added():
    torch.manual_seed(0)
    layer, x = nn.Linear(8, 6), torch.randn(5, 8)
    before = layer(x)
    add_adapter(layer, 6, 2)
    assert torch.equal(layer(x), before)
    nn.init.normal_(layer.adapter.up.weight)
    torch.testing.assert_close(layer(x), before + added(layer.adapter, before))


def test_after_a_norm_its_input_has_an_adapter_of_its_output_added_and_is_normalised_again():
    torch.manual_seed(0)
    norm, x, residual = nn.LayerNorm(6), torch.randn(5, 6), torch.randn(5, 6)
    nn.init.normal_(norm.weight)
    before = norm(x + residual)
    add_adapter(norm, 6, 2)
    assert torch.equal(norm(x + residual), before)
    nn.init.normal_(norm.adapter.up.weight)
    expected = norm.forward(added(norm.adapter, before) + x + residual)
    torch.testing.assert_close(norm(x + residual), expected)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("model_type", TARGETS)
def test_each_family_starts_as_it_was_and_then_every_adapter_counts(make, model_type, position):
    root = make(model_type)
    before = told(root)
    begin(Adapter(4, position), root)
    assert torch.equal(told(root), before)
    names = [name for name, module in root.named_modules() if name.endswith(".adapter")]
    layers = 1 if model_type == "albert" else 2
    assert len(names) == layers * (1 if position == "pfeiffer" else 2)
    for name in names:
        nn.init.ones_(root.get_submodule(name).down.bias)
        nn.init.normal_(root.get_submodule(name).up.weight)
        after = told(root)
        assert not torch.allclose(after, before, atol=1e-4)
        before = after


def test_a_bert_layer_is_as_pfeiffer_and_houlsby_have_it(make):
    """The layer computed by hand, each with the same adapters' weights."""
    for position in POSITIONS:
        root = make()
        begin(Adapter(4, position), root)
        randomise(root)
        layer = root["encoder"].backbone.encoder.layer[0].eval()
        x = torch.randn(2, 3, 16)
        attention = layer.attention.self(x)[0]
        dense, norm = layer.attention.output.dense, layer.attention.output.LayerNorm
        inner = dense.forward(attention)
        if position == "houlsby":
            inner = inner + added(dense.adapter, inner)
        inner = norm.forward(inner + x)
        dense, norm = layer.output.dense, layer.output.LayerNorm
        output = dense.forward(layer.intermediate(inner))
        if position == "houlsby":
            expected = norm.forward(output + added(dense.adapter, output) + inner)
        else:
            expected = norm.forward(added(norm.adapter, norm.forward(output + inner)) + output + inner)
        found = layer(x)
        torch.testing.assert_close(found[0] if isinstance(found, tuple) else found, expected)


@pytest.mark.parametrize("position", POSITIONS)
def test_nothing_else_is_trained_but_the_heads(make, position):
    root = make()
    assert not has_adapters(root)
    begin(Adapter(4, position), root)
    assert has_adapters(root)
    trained = {name for name, value in root.named_parameters() if value.requires_grad}
    assert all(name.startswith("heads.") or ".adapter." in name for name in trained)
    assert {value.shape for name, value in root.named_parameters() if name.endswith("down.weight")} == {(4, 16)}


@pytest.mark.parametrize("position", POSITIONS)
def test_what_a_state_has_is_put_there(make, tiny_backbone, position):
    root, fresh, other = make(), make(), make()
    begin(Adapter(position=position), root)
    randomise(root)
    install_saved_adapters(fresh, root.state_dict())
    Adapter(reduction=2).restore(other, root.state_dict())  # a run of 0.1.0, whose position had no name
    for again in (fresh, other):
        again.load_state_dict(root.state_dict())
        assert type(again["encoder"].backbone) is type(AutoModel.from_pretrained(tiny_backbone))
        assert torch.equal(told(again), told(root))
    assert not other["encoder"].backbone.embeddings.word_embeddings.weight.requires_grad


def test_adapters_of_0_1_0_are_loaded_where_they_were(make):
    """They were after the feed-forward output alone, under the same names."""
    root, old = make(), make()
    begin(Adapter(position="houlsby"), root)
    randomise(root)
    state = {name: value for name, value in root.state_dict().items() if ".attention.output.dense.adapter." not in name}
    assert any(name.endswith(".output.dense.adapter.down.weight") for name in state)
    install_saved_adapters(old, state)
    old.load_state_dict(state)
    for layer in root["encoder"].backbone.encoder.layer:
        nn.init.zeros_(layer.attention.output.dense.adapter.up.weight)
        nn.init.zeros_(layer.attention.output.dense.adapter.up.bias)
    assert torch.equal(told(old), told(root))


def test_a_wrong_setting_is_named():
    with pytest.raises(UserError, match="reduction must be at least 1, got 0"):
        Adapter(reduction=0)
