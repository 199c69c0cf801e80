"""Entries chosen before the first step."""

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Magnitude, Random
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import FixedMask
from lit_prune.tuning.chosen import ChosenEntries
from lit_prune.tuning.entries import frozen_tensors, tuned_entries
from lit_prune.tuning.gradients import CurvatureCriterion


@pytest.fixture
def root():
    torch.manual_seed(0)
    return nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(10, 20), nn.LayerNorm(20)), "heads": nn.Linear(20, 2)})


def begin(method, root):
    method.begin(root, lambda num: iter(()), lambda own: own)
    return {name: each.index for name, each in tuned_entries(root).items()}


def test_the_largest_weights_are_tuned_and_the_head(root):
    expected = root["encoder"][0].weight.abs().flatten().topk(20).indices.sort().values
    indices = begin(ChosenEntries(Magnitude(), share=0.1), root)
    assert torch.equal(indices["encoder.0.weight"], expected)
    trained = {name for name, value in root.named_parameters() if value.requires_grad}
    assert all(name.startswith("heads.") or name.endswith(".0.values") for name in trained)
    assert {"heads.weight", "heads.bias"} < trained


@pytest.mark.parametrize("scope", ["tensor", "global"])
@pytest.mark.parametrize("criterion", [Magnitude(), Random()])
def test_what_is_pruned_is_not_tuned_and_does_not_count(root, criterion, scope):
    keep = (torch.arange(200) < 50).view(20, 10)
    install(root, ["encoder.0"], lambda *_: FixedMask(keep))
    indices = begin(ChosenEntries(criterion, share=0.2, scope=scope, targets=["*.0.weight", "*.0.bias"]), root)
    assert keep.flatten()[indices["encoder.0.weight"]].all()
    assert sum(len(index) for index in indices.values()) == 14  # of 50 and 20
    if scope == "tensor":
        assert len(indices["encoder.0.weight"]) == 10


def test_it_is_restored_from_a_state(root):
    expected = begin(ChosenEntries(Magnitude(), share=0.1), root)
    fresh = nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(10, 20), nn.LayerNorm(20)), "heads": nn.Linear(20, 2)})
    ChosenEntries(Magnitude(), share=0.1).restore(fresh, root.state_dict())
    assert all(torch.equal(each.index, expected[name]) for name, each in tuned_entries(fresh).items())
    fresh.load_state_dict(root.state_dict())


def test_a_restored_tensor_is_still_known_as_it_was_before_it_was_tuned(root):
    """Its checkpoints have the hash of that: another would not fit the base."""
    begin(ChosenEntries(Magnitude(), share=0.1), root)
    before = {name: value.clone() for name, value in frozen_tensors(root).items()}
    for entries in tuned_entries(root).values():
        entries.values.data += 1
    root["encoder"](torch.zeros(1, 10))  # writes them into the tensors
    fresh = nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(10, 20), nn.LayerNorm(20)), "heads": nn.Linear(20, 2)})
    ChosenEntries(Magnitude(), share=0.1).restore(fresh, root.state_dict() | before)
    assert all(
        torch.equal(value, before[name])
        for name, value in frozen_tensors(fresh).items()
        if name in tuned_entries(fresh)
    )


def test_second_derivatives_of_a_masked_layer_are_asked_for_in_vain():
    root = nn.ModuleDict({"encoder": nn.Linear(3, 2)})
    method = ChosenEntries(CurvatureCriterion(), targets=["encoder.*"])
    method.check(root)
    install(root, ["encoder"], lambda _, weight: FixedMask(torch.ones_like(weight, dtype=torch.bool)))
    with pytest.raises(UserError, match="criterion must be another for a pruned encoder, got CurvatureCriterion"):
        method.check(root)
