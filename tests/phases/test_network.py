"""What several kinds of phases do to a network."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.phases.network import head_names, settle, unfreeze
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Magnitude, Movement
from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.mask_kinds import PerTask
from lit_prune.sparsity.masks import FixedMask
from lit_prune.sparsity.pairs import RankPair
from lit_prune.sparsity.schedules import Constant
from lit_prune.sparsity.structures import Rank
from lit_prune.tuning import ChosenEntries, Lora, Mixout


@pytest.fixture
def network():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))
    return nn.ModuleDict({"encoder": encoder, "heads": nn.ModuleDict({"task": nn.Linear(4, 2)})})


@pytest.fixture
def rows():
    return torch.randn(16, 6, generator=torch.Generator().manual_seed(1))


def pruned(network, criterion, **settings):
    pruner = LayerEngine({"all": ["encoder.0", "encoder.2"]}, criterion, Constant(0.5), **settings)
    pruner.attach(network)
    pruner.update(1.0)


@pytest.mark.parametrize("criterion", [Magnitude(), Movement(Magnitude())])
def test_masks_are_fixed_as_they_are(network, rows, criterion):
    pruned(network, criterion)
    expected = network["encoder"](rows)
    settle(network)
    assert all(isinstance(layer.mask, FixedMask) for layer in masked_layers(network).values())
    torch.testing.assert_close(network["encoder"](rows), expected)


def test_ranks_become_pairs(network, rows):
    pruned(network, Magnitude(), structure=Rank())
    expected = network["encoder"](rows)
    settle(network)
    assert isinstance(network["encoder"][0], RankPair)
    torch.testing.assert_close(network["encoder"](rows), expected)


def test_masks_that_differ_by_task_cannot_be_fixed(network):
    pruned(network, Movement(), masks=PerTask(["a", "b"], "separate"))
    with pytest.raises(UserError, match="masks must be the same for all tasks"):
        settle(network)


@pytest.mark.parametrize("method", [ChosenEntries(Magnitude(), 0.1), Lora(2), Mixout(0.5)])
def test_what_was_tuned_becomes_part_of_the_tensors(network, rows, method):
    plain = list(network.state_dict())
    method.begin(network, lambda _: iter(()), lambda own: own)
    with torch.no_grad():
        for value in network["encoder"].parameters():
            if value.requires_grad:
                value.add_(0.1 * torch.randn_like(value))
    network.eval()
    expected = network["encoder"](rows)
    network.train()
    settle(network)
    assert list(network.state_dict()) == plain
    torch.testing.assert_close(network["encoder"](rows), expected)


def test_all_but_what_was_built_frozen_is_trained_again(network):
    network["encoder"][0].bias.requires_grad_(False)
    run = SimpleNamespace(named_parameters=network.named_parameters, frozen_names={"encoder.0.bias"})
    before = copy.deepcopy([value.requires_grad for value in network.parameters()])
    network.requires_grad_(False)
    unfreeze(run)
    assert [value.requires_grad for value in network.parameters()] == before
    assert head_names(run) == ["heads.task.weight", "heads.task.bias"]
