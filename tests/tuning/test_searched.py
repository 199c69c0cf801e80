"""Entries that a search finds."""

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.tuning.changes import GatedChange, changes_in, gate
from lit_prune.tuning.entries import tuned_entries
from lit_prune.tuning.fold import fold
from lit_prune.tuning.searched import ChildPruning, DiffPruning, jaccard

METHODS = {"child": ChildPruning, "diff": DiffPruning}


@pytest.fixture
def root():
    torch.manual_seed(0)
    return nn.ModuleDict({"encoder": nn.Sequential(nn.Linear(10, 20), nn.LayerNorm(20)), "heads": nn.Linear(20, 2)})


def train(method, root, num_steps):
    """Search; what each step logs."""
    optimizer = torch.optim.AdamW([each for each in root.parameters() if each.requires_grad], lr=0.1, weight_decay=0.1)
    told = []
    for step in range(1, num_steps + 1):
        optimizer.zero_grad()
        loss = (root["heads"](root["encoder"](torch.randn(8, 10))) - 3).square().mean()
        (loss + method.penalty(root)).backward()
        optimizer.step()
        told.append(method.after_search_step(root, step))
    return told


def changed(root, before):
    after = fold(root.state_dict())
    return {name: int((after[name] != value).sum()) for name, value in before.items() if name.startswith("encoder.")}


@pytest.mark.parametrize("scope", ["tensor", "global"])
@pytest.mark.parametrize("kind", METHODS)
def test_after_so_many_steps_the_largest_changes_alone_are_left(kind, scope, root):
    before = {name: value.clone() for name, value in root.state_dict().items()}
    method = METHODS[kind](every=5, share=0.1, scope=scope)
    method.begin_search(root)
    told = train(method, root.train(), 4)
    assert told == [{}] * 4
    assert sum(changed(root, before).values()) > 100
    expected = {name: each.in_evaluation().detach().abs() for name, each in changes_in(root).items()}
    allowed = {name: int(0.1 * value.numel()) for name, value in expected.items()}
    method.after_search_step(root, 5)
    moved = changed(root, before)
    num = sum(allowed.values()) if scope == "tensor" else int(0.1 * sum(value.numel() for value in expected.values()))
    assert 0 < sum(moved.values()) <= num
    if scope == "tensor":
        assert all(moved[name] <= allowed[name] for name in allowed)
        delta = changes_in(root)["encoder.0.weight"].in_evaluation().detach()
        kept = expected["encoder.0.weight"].flatten().topk(20).indices
        assert set(delta.flatten().nonzero().flatten().tolist()) <= set(kept.tolist())
    assert not method.after_search_step(root, 6)
    before = method.kept
    train(method, root, 4)
    assert method.after_search_step(root, 10) == {"kept_again": jaccard(before, method.kept)}


@pytest.mark.parametrize("kind", METHODS)
def test_what_is_left_is_tuned_from_where_it_is(kind, root):
    before = {name: value.clone() for name, value in root.state_dict().items()}
    method = METHODS[kind](every=3, share=0.1)
    method.begin_search(root)
    train(method, root.train(), 7)
    encoder = root["encoder"].eval()
    indices = method.largest(root)
    values = {}
    for name in indices:
        _, number, tensor = name.split(".")
        values[name] = getattr(encoder[int(number)], tensor).detach().clone()
    method.begin(root, lambda num: iter(()), lambda own: own)
    assert not changes_in(root)
    entries = tuned_entries(root)
    for name, index in indices.items():
        assert torch.equal(entries[name].index, index)
        torch.testing.assert_close(entries[name].values.flatten(), values[name].flatten()[index])
    moved = changed(root, before)
    assert all(moved[name] <= len(index) for name, index in indices.items())
    trained = {name for name, value in root.named_parameters() if value.requires_grad}
    assert all(name.startswith("heads.") or name.endswith(".0.values") for name in trained)


def test_gates_cost_their_mean_probability_to_be_open(root):
    method = DiffPruning(weight=0.5)
    method.begin_search(root)
    gates = torch.cat([each.alpha.flatten() for each in changes_in(root).values()])
    torch.testing.assert_close(method.penalty(root), 0.5 * gates.sigmoid().mean())
    assert ChildPruning().penalty(root) == 0


def test_the_largest_changes_are_those_under_their_gates(root):
    method = DiffPruning(share=0.05, targets=["*.0.weight"])
    method.begin_search(root)
    (change,) = changes_in(root).values()
    assert isinstance(change, GatedChange)
    with torch.no_grad():
        change.alpha.normal_()
        change.delta.normal_()
    expected = (gate(change.alpha) * change.delta).abs().flatten().topk(10).indices.sort().values
    assert torch.equal(method.largest(root)["encoder.0.weight"], expected)


def test_how_much_two_choices_share():
    before = {"a": torch.tensor([1, 2, 3]), "b": torch.tensor([7])}
    after = {"a": torch.tensor([2, 3, 4]), "b": torch.tensor([8])}
    assert jaccard(before, after) == 2 / 6
    assert jaccard(before, before) == 1
    assert jaccard({"a": torch.arange(0)}, {"a": torch.arange(0)}) == 0


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: ChildPruning(every=0), "every must be positive, got 0"),
        (lambda: DiffPruning(weight=-1), "weight must not be negative, got -1"),
    ],
)
def test_a_wrong_setting_is_named(make, named):
    with pytest.raises(UserError, match=named):
        make()
