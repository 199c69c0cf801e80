"""Tensors that are trained as what is added to them, against their formulas."""

import pytest
import torch
from torch import nn

from lit_prune.tuning.changes import (
    Change,
    GatedChange,
    MixedChange,
    ResetChange,
    ThinnedChange,
    add_changes,
    changes_in,
    gate,
    remove_changes,
)


@pytest.fixture
def original():
    return torch.randn(6, 50, generator=torch.Generator().manual_seed(0))


def moved(change):
    torch.manual_seed(1)
    with torch.no_grad():
        change.delta.normal_()
    return change


@pytest.mark.parametrize("make", [Change, GatedChange, lambda each: MixedChange(each, 0.9)])
def test_nothing_is_changed_at_first(make, original):
    change = make(original)
    for mode in (True, False):
        assert torch.equal(change.train(mode)(original), original)


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.9])
def test_mixout_is_the_papers_formula_and_its_expectation_the_weights(probability, original):
    change = moved(MixedChange(original, probability))
    weight = original + change.delta.detach()
    torch.manual_seed(2)
    found = change(original)
    torch.manual_seed(2)
    kept = nn.functional.dropout(torch.ones(50), probability).gt(0).float()  # one draw for each column
    expected = ((1 - kept) * original + kept * weight - probability * original) / (1 - probability)
    torch.testing.assert_close(found, expected)
    mean = torch.stack([change(original) for _ in range(4000)]).mean(0)
    error = (probability / (1 - probability) / 4000) ** 0.5 * change.delta.abs()
    assert ((mean - weight).abs() < 5 * error + 1e-5).all()
    assert torch.equal(change.eval()(original), weight)


def test_mixout_of_a_vector_draws_for_each_entry():
    change = moved(MixedChange(torch.zeros(1000), 0.5))
    share = (change(torch.zeros(1000)) != 0).float().mean()
    assert 0.4 < share < 0.6


def test_what_is_reset_is_drawn_for_evaluation_alone(original):
    change = moved(ResetChange(original))
    change.draw(0.3, torch.Generator().manual_seed(0))
    assert torch.equal(change.train()(original), original + change.delta)
    found = change.eval()(original)
    reset = found == original
    assert 0.2 < reset.float().mean() < 0.4
    assert torch.equal(found[~reset], (original + change.delta)[~reset])
    again, other = (ResetChange(original) for _ in range(2))
    again.draw(0.3, torch.Generator().manual_seed(0))
    other.draw(0.3, torch.Generator().manual_seed(1))
    assert torch.equal(again.stays, change.stays)
    assert not torch.equal(other.stays, change.stays)


def test_child_tuning_thins_the_gradient_and_nothing_else(original):
    change = moved(ThinnedChange(original, 0.25))
    value = change(original)
    assert torch.equal(value, original + change.delta)
    value.sum().backward()
    gradient = change.delta.grad
    assert set(gradient.unique().tolist()) == {0.0, 4.0}
    assert 0.15 < (gradient > 0).float().mean() < 0.35
    change.delta.grad = None
    change.eval()(original).sum().backward()
    assert torch.equal(change.delta.grad, torch.ones_like(original))


def test_gates_are_hard_concrete(original):
    """Against the formula of Diff pruning, with the draws of one generator."""
    change = moved(GatedChange(original))
    torch.manual_seed(3)
    found = change(original)
    torch.manual_seed(3)
    u = torch.empty_like(original).uniform_(1e-6, 1 - 1e-6)
    s = torch.sigmoid(torch.log(u) - torch.log(1 - u) + change.alpha)
    z = (s * (3.0 - -3.0) + -3.0).clamp(0, 1)
    torch.testing.assert_close(found, original + z * change.delta)
    torch.testing.assert_close(
        change.open_probability(), torch.sigmoid(change.alpha - torch.log(torch.tensor(3.0 / 3.0)))
    )
    assert change.alpha.min() > 0
    assert change.alpha.max() < 1


@pytest.mark.parametrize(
    ("alpha", "value"), [(-20.0, 0.0), (0.0, 0.0), (20.0, 1.0), (0.4, 6 / (1 + 2.718281828**-0.4) - 3)]
)
def test_a_settled_gate(alpha, value):
    assert float(gate(torch.tensor(alpha))) == pytest.approx(value, abs=1e-5)


def test_an_open_probability_is_that_of_a_gate_above_0():
    change = GatedChange(torch.zeros(20_000))
    with torch.no_grad():
        change.alpha.fill_(-1.0)
        change.delta.fill_(1.0)
    share = (change(torch.zeros(20_000)) > 0).float().mean()
    assert abs(float(share - change.open_probability()[0].detach())) < 0.02


def test_changes_are_found_and_taken_out_again():
    network = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    add_changes(network, before, Change)
    assert changes_in(network).keys() == before.keys()
    assert {name.rpartition(".")[2] for name, value in network.named_parameters() if value.requires_grad} == {"delta"}
    for change in changes_in(network).values():
        moved(change)
    remove_changes(network, before)
    assert not changes_in(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
