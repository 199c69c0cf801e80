"""Sparse tuning of networks that have nothing to do with encoders."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lit_prune.errors import UserError
from lit_prune.tuning.any_module import tune_entries
from lit_prune.tuning.fold import fold_tuned


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(2, 4, 3), nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))


def batches():
    generator = torch.Generator().manual_seed(1)
    rows = [torch.randn(8, 2, 6, generator=generator) for _ in range(3)]
    return [(each, each.sum((1, 2)).gt(0).long()) for each in rows]


def loss(model, batch):
    return F.cross_entropy(model(batch[0]), batch[1])


@pytest.mark.parametrize("criterion", ["sam", "fisher", "magnitude", "random"])
@pytest.mark.parametrize("scope", ["tensor", "global"])
def test_a_share_of_the_entries_is_trained_and_nothing_else_moves(model, criterion, scope):
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    tuned = ["0.weight", "2.weight"]
    assert (
        tune_entries(model, 0.1, criterion=criterion, batches=batches(), loss=loss, scope=scope, targets=tuned) is model
    )
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=0.1, weight_decay=0.1)
    for batch in batches():
        loss(model, batch).backward()
        optimizer.step()
        optimizer.zero_grad()
    fold_tuned(model)
    moved = {name: int((value != before[name]).sum()) for name, value in model.named_parameters()}
    sizes = {name: before[name].numel() for name in tuned}
    expected = sum(int(0.1 * size + 1e-6) for size in sizes.values())
    assert sum(moved[name] for name in tuned) == (int(0.1 * sum(sizes.values())) if scope == "global" else expected)
    assert moved["4.weight"] == before["4.weight"].numel()  # no target: trained whole


def test_sam_takes_the_entries_of_the_largest_gradients(model):
    expected = torch.zeros_like(model[2].weight)
    for batch in batches():
        expected += torch.autograd.grad(loss(model, batch), model[2].weight)[0]
    from lit_prune.tuning import GradientCriterion

    tune_entries(model, 0.05, criterion=GradientCriterion(3), batches=batches(), loss=loss, targets=["2.weight"])
    chosen = model[2].parametrizations.weight[0].index
    assert set(chosen.tolist()) == set(expected.abs().flatten().topk(len(chosen)).indices.tolist())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"criterion": "gradient"}, "unknown criterion 'gradient': choose from sam"),
        ({}, "batches and loss must be given for GradientCriterion, got none"),
        ({"criterion": "magnitude", "targets": ["encoder.*"]}, r"targets must match parameters, got 'encoder\.\*'"),
        ({"criterion": "magnitude", "scope": "layer"}, "scope"),
    ],
)
def test_wrong_settings_are_errors(model, settings, message):
    with pytest.raises(UserError, match=message):
        tune_entries(model, 0.1, **settings)


@pytest.mark.parametrize("batches", [[], iter([torch.ones(2, 4)])], ids=["none", "an iterator"])
def test_batches_that_end_are_an_error(batches):
    with pytest.raises(UserError, match=r"batches must be a list or a loader .*, got no more of them"):
        tune_entries(torch.nn.Linear(4, 4), 0.1, batches=batches, loss=lambda model, batch: model(batch).sum())
