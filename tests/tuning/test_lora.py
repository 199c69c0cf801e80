"""LoRA, against peft's own model."""

import sys

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import FixedMask
from lit_prune.tuning.lora import Lora


def make():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(10, 20), nn.LayerNorm(20), nn.Linear(20, 20))
    return nn.ModuleDict({"encoder": encoder, "heads": nn.Linear(20, 2)})


def begin(method, root):
    method.begin(root, lambda num: iter(()), lambda own: own)
    return root


def train(model, x):
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()
    return model(x)


def test_it_trains_as_pefts_own_model_does():
    x, ours, plain = torch.randn(6, 10), make()["encoder"], make()["encoder"]
    root = begin(Lora(rank=3), nn.ModuleDict({"encoder": ours}))
    theirs = get_peft_model(plain, LoraConfig(r=3, lora_alpha=3, target_modules=["0", "2"]))
    state = {name.removeprefix("base_model.model."): value for name, value in theirs.state_dict().items()}
    root["encoder"].load_state_dict(state)
    torch.testing.assert_close(ours(x), make()["encoder"](x))  # B is 0 at first
    torch.testing.assert_close(train(root["encoder"], x), train(theirs, x))


def test_matrices_beside_linear_layers_alone_are_trained_and_the_heads():
    root = begin(Lora(), make())
    trained = {name for name, value in root.named_parameters() if value.requires_grad}
    assert trained == {"heads.weight", "heads.bias"} | {
        f"encoder.{number}.lora_{factor}.default.weight" for number in (0, 2) for factor in "AB"
    }
    fresh = make()
    Lora().restore(fresh, root.state_dict())
    fresh.load_state_dict(root.state_dict())
    one = begin(Lora(targets=["encoder.2.weight"]), make())
    assert sum("lora_A" in name for name in one.state_dict()) == 1


def test_what_cannot_be_is_told_before_training(monkeypatch):
    with pytest.raises(UserError, match="names no weight of a linear layer"):
        Lora(targets=["encoder.1.*"]).check(make())
    pruned = make()
    install(pruned, ["encoder.0"], lambda _, weight: FixedMask(weight > 0))
    with pytest.raises(UserError, match="zeros"):
        Lora().check(pruned)
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UserError, match="pip install"):
        Lora().check(make())


@pytest.mark.parametrize(("settings", "named"), [({"rank": 0}, "rank is 0"), ({"dropout": 1.0}, "dropout is 1.0")])
def test_a_wrong_setting_is_named(settings, named):
    with pytest.raises(UserError, match=named):
        Lora(**settings)
