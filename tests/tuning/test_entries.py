"""Tensors of which some entries are tuned."""

import pytest
import torch
from torch import nn

from lit_prune.tuning.entries import tune, tuned_entries
from lit_prune.tuning.fold import fold

INDICES = {"0.weight": torch.tensor([0, 3, 7]), "1.weight": torch.tensor([5]), "1.bias": torch.arange(0)}


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Embedding(6, 4), nn.Linear(4, 3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tune(network, INDICES)
    return network, before


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda values: torch.optim.AdamW(values, lr=0.1, weight_decay=0.5),
        lambda values: torch.optim.SGD(values, lr=0.1, momentum=0.9, weight_decay=0.5, nesterov=True),
    ],
)
def test_training_changes_the_tuned_entries_alone(network, optimizer):
    network, before = network
    trained = [value for value in network.parameters() if value.requires_grad]
    assert sum(value.numel() for value in trained) == 4
    step = optimizer(trained)
    for _ in range(5):
        step.zero_grad()
        network(torch.tensor([0, 1])).square().sum().backward()
        step.step()
    after = fold(network.state_dict())
    assert after.keys() == before.keys()
    for name, value in before.items():
        moved = (after[name] != value).flatten().nonzero().flatten()
        assert set(moved.tolist()) <= set(INDICES[name].tolist())
    assert (after["1.weight"] != before["1.weight"]).sum() == 1
    assert torch.equal(network[0].weight, after["0.weight"])


def test_values_get_the_gradient_of_their_entries(network):
    network, before = network
    plain = nn.Sequential(nn.Embedding(6, 4), nn.Linear(4, 3))
    plain.load_state_dict(before)
    for each in (network, plain):
        each(torch.tensor([0, 1])).square().sum().backward()
    for name, entries in tuned_entries(network).items():
        expected = plain.get_parameter(name).grad.flatten()[INDICES[name]]
        assert torch.equal(entries.values.grad.flatten(), expected)


def test_matrices_are_decayed_and_vectors_are_not():
    network = nn.Linear(4, 3)
    tune(network, {"weight": torch.tensor([1]), "bias": torch.tensor([0, 2])})
    assert {name: each.values.ndim for name, each in tuned_entries(network).items()} == {"weight": 2, "bias": 1}
