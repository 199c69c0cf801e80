import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.install import (
    dense_state_dict,
    install,
    learned_masks,
    masked_layers,
    masks_by_task,
    uninstall,
    use_task,
)
from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.masks import FixedMask, LearnedMask, TaskMasks, refresh


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
    install(root, NAMES, lambda _, weight: LearnedMask(weight.abs()))
    assert list(masked_layers(root)) == ["body.2", "heads.nli"]
    assert type(root["body"][0]) is nn.Linear
    after = dict(root.named_parameters())
    assert all(after[name] is parameter for name, parameter in before.items())
    assert set(root.state_dict()) - set(before) == {
        f"{name}.mask.{key}" for name in NAMES for key in ("scores", "threshold")
    }


def test_installing_again_replaces_the_mask():
    root = network()
    install(root, NAMES, lambda _, weight: LearnedMask(Magnitude()(weight, 0.5)))
    refresh([layer.mask for layer in masked_layers(root).values()], 0.5)
    kept = {name: layer.mask.keep for name, layer in masked_layers(root).items()}
    install(root, NAMES, lambda name, _: FixedMask(kept[name]))
    for name, layer in masked_layers(root).items():
        assert isinstance(layer, MaskedLinear)
        assert isinstance(layer.mask, FixedMask)
        assert torch.equal(layer.mask.keep, kept[name])


def test_make_mask_is_told_the_name():
    root, seen = network(), {}
    install(root, NAMES, lambda name, weight: seen.setdefault(name, LearnedMask(weight.clone())))
    assert list(seen) == NAMES
    assert all(masked_layers(root)[name].mask is mask for name, mask in seen.items())


def test_the_dense_state_dict_loads_into_a_network_without_masks():
    root, plain = network(), network()
    install(root, NAMES, lambda _, weight: LearnedMask(weight.abs()))
    for layer in masked_layers(root).values():
        refresh([layer.mask], 0.7)
    state = dense_state_dict(root)
    plain.load_state_dict(state)
    x = torch.randn(4, 5)
    assert torch.equal(forward(plain, x), forward(root, x))
    assert (state["body.2.weight"] == 0).sum() == 44
    assert not any(tensor.requires_grad for tensor in state.values())
    assert (root["body"][2].weight != 0).all()


def test_other_modules_cannot_be_masked():
    with pytest.raises(UserError, match=r"body\.1 must be an nn\.Linear to be masked, got ReLU"):
        install(network(), ["body.1"], lambda _, weight: FixedMask(weight > 0))


def halved(weight):
    mask = LearnedMask(weight.detach().abs())
    refresh([mask], 0.5)
    return mask


def test_what_is_taken_out_again_leaves_the_network_as_it_was():
    root = network()
    x = torch.randn(4, 5)
    before, parameters = forward(root, x), dict(root.named_parameters())
    install(root, NAMES, lambda _, weight: halved(weight))
    assert not torch.equal(forward(root, x), before)
    uninstall(root)
    assert not masked_layers(root)
    assert torch.equal(forward(root, x), before)
    assert all(parameters[name] is value for name, value in root.named_parameters())


def test_masks_that_differ_by_task_are_told_apart_and_switched():
    root = network()

    def masks(_, weight):
        own = {"a": LearnedMask(weight.detach().clone()), "b": LearnedMask(-weight.detach())}
        return TaskMasks(own)

    install(root, ["body.2"], masks)
    install(root, ["heads.nli"], lambda _, weight: LearnedMask(weight.detach().abs()))
    learned = learned_masks(root)
    assert list(learned) == ["body.2/a", "body.2/b", "heads.nli"]
    for mask in learned.values():
        refresh([mask], 0.5)
    by_task = masks_by_task(root)
    assert {task: list(kept) for task, kept in by_task.items()} == {
        "a": ["body.2.weight"],
        "b": ["body.2.weight"],
        "": ["heads.nli.weight"],
    }
    assert torch.equal(by_task["a"]["body.2.weight"], ~by_task["b"]["body.2.weight"])
    x, outputs = torch.randn(4, 5), {}
    for task in ("a", "b"):
        use_task(root, task)
        assert torch.equal(masked_layers(root)["body.2"].mask.keep, by_task[task]["body.2.weight"])
        outputs[task] = root["body"](x)
    assert not torch.equal(outputs["a"], outputs["b"])
