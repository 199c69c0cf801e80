"""The plain network that a tuned one computes as."""

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from lit_prune.tuning.changes import Change, GatedChange, MixedChange, ResetChange, ThinnedChange, add_changes
from lit_prune.tuning.entries import tune
from lit_prune.tuning.fold import fold
from lit_prune.tuning.names import leave_plain


def drawn(change):
    change.draw(0.5, torch.Generator().manual_seed(0))
    return change


MAKES = {
    "change": Change,
    "gated": GatedChange,
    "mixed": lambda original: MixedChange(original, 0.5),
    "reset": lambda original: drawn(ResetChange(original)),
    "thinned": lambda original: ThinnedChange(original, 0.5),
}


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))


def assert_folds(tuned):
    """After some training the folded state is that of a plain network which says the same."""
    plain, x = network(), torch.randn(5, 4)
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    optimizer = torch.optim.SGD([value for value in tuned.parameters() if value.requires_grad], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        tuned(x).square().sum().backward()
        optimizer.step()
    for state in (tuned.state_dict(), leave_plain(tuned.state_dict())):
        plain.load_state_dict(fold(state))
        torch.testing.assert_close(tuned.eval()(x), plain(x))
    assert any(not torch.equal(value, before[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_changes(make):
    tuned = network()
    add_changes(tuned, [name for name, _ in tuned.named_parameters()], make)
    assert_folds(tuned)


def test_entries():
    tuned = network()
    tune(tuned, {"0.weight": torch.tensor([3, 5]), "2.bias": torch.tensor([0])})
    assert_folds(tuned)


@pytest.mark.parametrize("alpha", [2, 3])
def test_lora(alpha):
    tuned = network()
    inject_adapter_in_model(LoraConfig(r=2, lora_alpha=alpha, target_modules=["0", "2"]), tuned)
    if alpha != 2:  # a state without it has a scale of 1
        for number in (0, 2):
            tuned[number].lora_A["default"].register_buffer("alpha", torch.tensor(float(alpha)))
    assert_folds(tuned)


def test_a_plain_network_is_itself():
    state = network().state_dict()
    assert fold(state) == state
