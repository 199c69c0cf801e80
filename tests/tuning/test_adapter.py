"""Adapters after the feed-forward parts."""

import pytest
import torch
from torch import nn
from transformers import AutoModel

from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.tuning.adapter import Adapter, add_adapter, has_adapters, install_saved_adapters


@pytest.fixture
def root(tiny_backbone):
    encoder = PrunableEncoder(tiny_backbone)
    return nn.ModuleDict({"encoder": encoder, "heads": nn.Linear(encoder.hidden_size, 2)})


def begin(method, root):
    method.begin(root, lambda num: iter(()), lambda own: own)


def test_it_adds_a_narrow_network_to_what_a_layer_says():
    torch.manual_seed(0)
    layer, x = nn.Linear(8, 6), torch.randn(5, 8)
    before = layer(x)
    add_adapter(layer, 2)
    adapter = layer.adapter
    expected = before + (before @ adapter.down.weight.T).relu() @ adapter.up.weight.T  # biases are 0 at first
    torch.testing.assert_close(layer(x), expected)
    assert not torch.equal(layer(x), before)


def test_each_feed_forward_part_has_one_and_nothing_else_is_trained_but_the_heads(root):
    num_layers = root["encoder"].backbone.config.num_hidden_layers
    assert not has_adapters(root)
    begin(Adapter(reduction=4), root)
    assert has_adapters(root)
    trained = {name for name, value in root.named_parameters() if value.requires_grad}
    assert len(trained) == 2 + 4 * num_layers
    assert all(name.startswith("heads.") or ".output.dense.adapter." in name for name in trained)
    width = root["encoder"].hidden_size // 4
    assert {value.shape[0] for name, value in root.named_parameters() if name.endswith("down.weight")} == {width}


def test_what_a_state_has_is_put_there(root, tiny_backbone):
    begin(Adapter(), root)
    fresh = nn.ModuleDict(
        {"encoder": PrunableEncoder(tiny_backbone), "heads": nn.Linear(root["encoder"].hidden_size, 2)}
    )
    install_saved_adapters(fresh, root.state_dict())
    fresh.load_state_dict(root.state_dict())
    assert type(fresh["encoder"].backbone) is type(AutoModel.from_pretrained(tiny_backbone))
    inputs = root["encoder"].tokenizer(["a b c"], return_tensors="pt")
    for found, expected in zip(fresh.eval()["encoder"](inputs), root.eval()["encoder"](inputs), strict=True):
        assert torch.equal(found, expected)


def test_a_wrong_setting_is_named():
    with pytest.raises(UserError, match="reduction is 0"):
        Adapter(reduction=0)
