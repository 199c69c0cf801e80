"""Tensors of which some entries are tuned."""

import pytest
import torch
from torch import nn

from lit_prune.tuning.entries import frozen_tensors, tune, tuned_entries
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


def test_what_was_there_before_training_is_known(network):
    network, before = network
    with torch.no_grad():
        for each in tuned_entries(network).values():
            each.values.add_(1.0)
    network(torch.tensor([0, 1]))
    frozen = frozen_tensors(network)
    assert frozen.keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in frozen.items())
    changed = (network[0].weight != before["0.weight"]).flatten().nonzero().flatten()
    assert changed.tolist() == INDICES["0.weight"].tolist()


def test_a_tensor_may_be_asked_for_twice_before_the_backward_pass(network):
    network, _ = network
    linear = network[1]
    x = torch.randn(2, 4)
    (linear(x) + linear(2 * x)).sum().backward()
    values = tuned_entries(network)["1.weight"].values
    torch.testing.assert_close(values.grad.flatten(), 3 * x.sum(0)[[1]])  # entry 5 of (3, 4) is of the second input


def test_compiled_it_is_the_same():
    torch.manual_seed(0)
    linear, x = nn.Linear(4, 3), torch.randn(2, 4)
    tune(linear, {"weight": torch.tensor([1, 7])})
    with torch.no_grad():
        tuned_entries(linear)["weight"].values.add_(0.5)
    expected = linear(x)
    torch.testing.assert_close(torch.compile(linear, backend="eager", fullgraph=True)(x), expected)
