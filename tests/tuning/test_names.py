"""Names of tuned tensors in state dicts."""

import pytest
import torch
from torch import nn

from lit_prune.tuning.entries import tune
from lit_prune.tuning.names import leave_plain, parts_in, plain, take_plain, without_parts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.b.parametrizations.weight.original", "a.b.weight"),
        ("a.b.parametrizations.weight.0", "a.b.weight"),
        ("parametrizations.bias.original", "bias"),
        ("a.b.base_layer.weight", "a.b.weight"),
        ("a.b.weight", "a.b.weight"),
        ("a.original", "a.original"),
        ("a.b.parametrizations.weight.0.values", "a.b.parametrizations.weight.0.values"),
    ],
)
def test_what_a_tensor_would_be_called(name, expected):
    assert plain(name) == expected


def test_parts_are_told_from_all_else():
    names = [
        "a.parametrizations.weight.original",
        "a.parametrizations.weight.0.index",
        "parametrizations.bias.0.delta",
        "b.lora_A.default.weight",
        "b.lora_B.default.weight",
        "b.base_layer.bias",
        "c.weight",
    ]
    state = {name: torch.tensor(number) for number, name in enumerate(names)}
    found = {name: {part: int(value) for part, value in parts.items()} for name, parts in parts_in(state).items()}
    assert found == {"a.weight": {"index": 1}, "bias": {"delta": 2}, "b.weight": {"A": 3, "B": 4}}
    assert list(without_parts(state)) == ["a.weight", "b.bias", "c.weight"]


def test_states_travel_under_plain_names():
    network = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3))
    before = network.state_dict()
    tune(network, {"0.weight": torch.tensor([1])})
    state = network.state_dict()
    travelling = leave_plain(state)
    assert travelling.keys() == before.keys() | {f"0.parametrizations.weight.0.{part}" for part in ("index", "values")}
    assert take_plain(travelling, network).keys() == state.keys()
