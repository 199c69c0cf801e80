"""What gradients before training say of entries."""

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.tuning.gradients import GradientCriterion

BY_HAND = {
    "sum": lambda gradients: gradients.sum(0).abs(),
    "square": lambda gradients: gradients.square().sum(0),
    "absolute": lambda gradients: gradients.abs().sum(0),
}


@pytest.mark.parametrize("of", BY_HAND)
def test_scores_against_gradients_taken_one_by_one(of):
    torch.manual_seed(0)
    linear, batches = nn.Linear(5, 3), torch.randn(4, 8, 5)
    parameters = dict(linear.named_parameters()) | {"unused": nn.Parameter(torch.ones(2))}

    def losses():
        for batch in batches:
            yield linear(batch).square().mean()

    criterion = GradientCriterion(num_batches=4, of=of)
    criterion.take(parameters, losses(), lambda own: own)
    gradients = {name: [] for name in ("weight", "bias")}
    for batch in batches:
        found = torch.autograd.grad(linear(batch).square().mean(), [linear.weight, linear.bias])
        for name, each in zip(gradients, found, strict=True):
            gradients[name].append(each)
    for name, each in gradients.items():
        torch.testing.assert_close(criterion(parameters[name], 0.5), BY_HAND[of](torch.stack(each)))
    assert not criterion(parameters["unused"], 0.5).any()


@pytest.mark.parametrize("of", BY_HAND)
def test_processes_that_share_batches_score_as_one(of):
    """Two processes with halves of each batch, whose losses are their parts of the whole's."""
    torch.manual_seed(0)
    linear, batches = nn.Linear(5, 3), torch.randn(4, 8, 5)
    of_half = [[linear(batch[half::2]).square().sum() for batch in batches] for half in range(2)]
    whole = [linear(batch).square().sum() for batch in batches]
    weight = linear.weight
    other = [torch.autograd.grad(loss, weight, retain_graph=True)[0] for loss in of_half[1]]
    further = iter(other if of != "sum" else [torch.stack(other).sum(0)])
    criterion = GradientCriterion(of=of)
    criterion.take({"weight": weight}, of_half[0], lambda own: own + next(further))
    found = criterion(weight, 0.5)
    criterion.take({"weight": weight}, whole, lambda own: own)
    torch.testing.assert_close(found, criterion(weight, 0.5))


def test_without_gradients_there_are_no_scores():
    with pytest.raises(UserError, match="SparseFinetuning alone takes"):
        GradientCriterion()(torch.ones(3), 0.5)
