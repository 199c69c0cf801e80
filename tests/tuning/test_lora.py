"""LoRA, against peft's own model."""

import sys

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import FixedMask
from lit_prune.sparsity.targets import layers_in, match
from lit_prune.tuning.fold import fold
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


@pytest.mark.parametrize("alpha", [None, 6, 0.75])
def test_it_trains_as_pefts_own_model_does(alpha):
    x, ours, plain = torch.randn(6, 10), make()["encoder"], make()["encoder"]
    root = begin(Lora(3, alpha), nn.ModuleDict({"encoder": ours}))
    theirs = get_peft_model(plain, LoraConfig(r=3, lora_alpha=alpha or 3, target_modules=["0", "2"]))
    state = {name.removeprefix("base_model.model."): value for name, value in theirs.state_dict().items()}
    missing = root["encoder"].load_state_dict(state, strict=False).missing_keys
    assert missing == ([] if alpha is None else [f"{number}.lora_A.default.alpha" for number in (0, 2)])
    assert torch.equal(ours(x), make()["encoder"](x))  # B is 0 at first
    torch.testing.assert_close(train(root["encoder"], x), train(theirs, x))
    merged = make()["encoder"]
    merged.load_state_dict(fold(root["encoder"].state_dict()))
    torch.testing.assert_close(merged(x), theirs(x))


@pytest.mark.parametrize("model_type", ["bert", "roberta", "distilbert", "deberta-v2", "modernbert", "albert"])
def test_by_default_the_matrices_of_the_layers_have_it(tiny_family, model_type):
    encoder = PrunableEncoder(str(tiny_family(model_type)))
    root = nn.ModuleDict({"encoder": encoder, "heads": nn.Linear(encoder.hidden_size, 2)})
    expected = layers_in(match(root, model_type, without=("pooler", "classifier")))
    assert Lora().names(root) == [name for name, _ in root.named_parameters() if name[:-7] in expected]
    begin(Lora(), root)
    found = {name.removesuffix(".lora_A.default.weight") for name in root.state_dict() if "lora_A" in name}
    assert found == set(expected)
    assert not any("pooler" in name or "embeddings" in name for name in found)


def test_a_run_of_0_1_0_has_it_where_it_was(tiny_backbone):
    """It had every linear layer, the pooler too, and no alpha."""
    old, new = (nn.ModuleDict({"encoder": PrunableEncoder(tiny_backbone)}) for _ in range(2))
    begin(Lora(targets=["encoder.*"]), old)
    assert "encoder.backbone.pooler.dense.lora_A.default.weight" in old.state_dict()
    Lora().restore(new, old.state_dict())
    new.load_state_dict(old.state_dict())


def test_matrices_beside_linear_layers_alone_are_trained_and_the_heads():
    root = begin(Lora(), make())
    trained = {name for name, value in root.named_parameters() if value.requires_grad}
    assert trained == {"heads.weight", "heads.bias"} | {
        f"encoder.{number}.lora_{factor}.default.weight" for number in (0, 2) for factor in "AB"
    }
    fresh = make()
    Lora().restore(fresh, root.state_dict())
    fresh.load_state_dict(root.state_dict())
    scaled, again = begin(Lora(alpha=16), make()), make()
    Lora(alpha=16).restore(again, scaled.state_dict())
    again.load_state_dict(scaled.state_dict())
    one = begin(Lora(targets=["encoder.2.weight"]), make())
    assert sum("lora_A" in name for name in one.state_dict()) == 1


def test_what_cannot_be_is_told_before_training(monkeypatch):
    with pytest.raises(UserError, match="must name a weight of a linear layer"):
        Lora(targets=["encoder.1.*"]).check(make())
    pruned = make()
    install(pruned, ["encoder.0"], lambda _, weight: FixedMask(weight > 0))
    with pytest.raises(UserError, match="zeros"):
        Lora().check(pruned)
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(UserError, match="pip install"):
        Lora().check(make())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rank": 0}, "rank must be at least 1, got 0"),
        ({"alpha": 0}, "alpha must be positive, got 0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
    ],
)
def test_a_wrong_setting_is_named(settings, named):
    with pytest.raises(UserError, match=named):
        Lora(**settings)
