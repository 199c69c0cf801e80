import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.install import dense_state_dict, install, masked_layers, uninstall
from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.masks import FixedMask, LearnedMask, refresh


def network():
    torch.manual_seed(0)
    heads = nn.ModuleDict({"nli": nn.Linear(8, 3)})
    return nn.ModuleDict({"body": nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 8)), "heads": heads})


def forward(root, x):
    return root["heads"]["nli"](root["body"](x))


NAMES = ["heads.nli", "body.2"]


def test_only_the_named_layers_are_replaced_around_the_same_parameters():
    root = network()
    before = dict(root.named_parameters())
    install(root, NAMES, lambda _, linear: LearnedMask(linear.weight.abs()))
    assert list(masked_layers(root)) == ["body.2", "heads.nli"]
    assert type(root["body"][0]) is nn.Linear
    after = dict(root.named_parameters())
    assert all(after[name] is parameter for name, parameter in before.items())
    assert set(root.state_dict()) - set(before) == {
        f"{name}.mask.{key}" for name in NAMES for key in ("scores", "threshold")
    }


def test_installing_again_replaces_the_mask():
    root = network()
    install(root, NAMES, lambda _, linear: LearnedMask(Magnitude()(linear.weight, 0.5)))
    refresh({name: layer.mask for name, layer in masked_layers(root).items()}, 0.5, "global")
    kept = {name: layer.mask.keep for name, layer in masked_layers(root).items()}
    install(root, NAMES, lambda name, _: FixedMask(kept[name]))
    for name, layer in masked_layers(root).items():
        assert isinstance(layer, MaskedLinear)
        assert isinstance(layer.mask, FixedMask)
        assert torch.equal(layer.mask.keep, kept[name])


def test_make_mask_is_told_the_name():
    root, seen = network(), {}
    install(root, NAMES, lambda name, linear: seen.setdefault(name, LearnedMask(linear.weight.clone())))
    assert list(seen) == NAMES
    assert all(masked_layers(root)[name].mask is mask for name, mask in seen.items())


def test_the_dense_state_dict_loads_into_a_network_without_masks():
    root, plain = network(), network()
    install(root, NAMES, lambda _, linear: LearnedMask(linear.weight.abs()))
    refresh({name: layer.mask for name, layer in masked_layers(root).items()}, 0.7, "local")
    state = dense_state_dict(root)
    plain.load_state_dict(state)
    x = torch.randn(4, 5)
    assert torch.equal(forward(plain, x), forward(root, x))
    assert (state["body.2.weight"] == 0).sum() == 44
    assert not any(tensor.requires_grad for tensor in state.values())
    assert (root["body"][2].weight != 0).all()


def test_other_modules_cannot_be_masked():
    with pytest.raises(UserError, match=r"body\.1 is a ReLU"):
        install(network(), ["body.1"], lambda _, linear: FixedMask(linear.weight > 0))


def halved(linear):
    mask = LearnedMask(linear.weight.detach().abs())
    refresh({"": mask}, 0.5, "local")
    return mask


def test_what_is_taken_out_again_leaves_the_network_as_it_was():
    root = network()
    x = torch.randn(4, 5)
    before, parameters = forward(root, x), dict(root.named_parameters())
    install(root, NAMES, lambda _, linear: halved(linear))
    assert not torch.equal(forward(root, x), before)
    uninstall(root)
    assert not masked_layers(root)
    assert torch.equal(forward(root, x), before)
    assert all(parameters[name] is value for name, value in root.named_parameters())
