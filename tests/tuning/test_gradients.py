"""What gradients before training say of entries."""

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.tuning.gradients import CurvatureCriterion, GradientCriterion

BY_HAND = {
    "sum": lambda gradients: gradients.sum(0).abs(),
    "square": lambda gradients: gradients.square().sum(0),
    "absolute": lambda gradients: gradients.abs().sum(0),
}


def alone(own):
    return own


@pytest.mark.parametrize("of", BY_HAND)
def test_scores_against_gradients_taken_one_by_one(of):
    torch.manual_seed(0)
    linear, batches = nn.Linear(5, 3), torch.randn(4, 8, 5)
    parameters = dict(linear.named_parameters()) | {"unused": nn.Parameter(torch.ones(2))}

    def losses(num):
        for batch in batches[:num]:
            yield linear(batch).square().mean()

    scores = GradientCriterion(num_batches=3, of=of).scores(parameters, losses, alone)
    gradients = {name: [] for name in ("weight", "bias")}
    for batch in batches[:3]:
        found = torch.autograd.grad(linear(batch).square().mean(), [linear.weight, linear.bias])
        for name, each in zip(gradients, found, strict=True):
            gradients[name].append(each)
    for name, each in gradients.items():
        torch.testing.assert_close(scores[name], BY_HAND[of](torch.stack(each)))
    assert not scores["unused"].any()


@pytest.mark.parametrize("of", BY_HAND)
def test_processes_that_share_batches_score_as_one(of):
    """Two processes with halves of each batch, whose losses are their parts of the whole's."""
    torch.manual_seed(0)
    linear, batches = nn.Linear(5, 3), torch.randn(4, 8, 5)
    of_half = [[linear(batch[half::2]).square().sum() for batch in batches] for half in range(2)]
    whole = [linear(batch).square().sum() for batch in batches]
    parameters = {"weight": linear.weight}
    other = [torch.autograd.grad(loss, linear.weight, retain_graph=True)[0] for loss in of_half[1]]
    further = iter(other if of != "sum" else [torch.stack(other).sum(0)])
    criterion = GradientCriterion(of=of)
    found = criterion.scores(parameters, lambda num: iter(of_half[0]), lambda own: own + next(further))
    expected = criterion.scores(parameters, lambda num: iter(whole), alone)
    torch.testing.assert_close(found, expected)


def test_curvature_is_that_of_a_quadratic():
    """Of sum_i h_i x_i^2 / 2 + b_i x_i the Hessian is diagonal, and Hutchinson's estimate exact."""
    torch.manual_seed(0)
    h, b = torch.rand(50) + 0.1, torch.randn(50)
    x, unused = nn.Parameter(torch.randn(50)), nn.Parameter(torch.ones(2))
    scores = CurvatureCriterion(num_batches=2, num_probes=1).scores(
        {"x": x, "unused": unused}, lambda num: ((h * x.square() / 2 + b * x).sum() for _ in range(num)), alone
    )
    torch.testing.assert_close(scores["x"], (2 * (h * x + b)).square().detach() / (2 * h))
    assert not scores["unused"].any()


def test_more_probes_come_closer_to_the_diagonal():
    torch.manual_seed(0)
    root = torch.randn(6, 6)
    hessian = root @ root.T + torch.eye(6)
    x = nn.Parameter(torch.ones(6))

    def losses(num):
        return (x @ hessian @ x / 2 for _ in range(num))

    expected = (hessian @ x).square().detach() / hessian.diagonal()
    errors = []
    for num_probes in (1, 1000):
        found = CurvatureCriterion(1, num_probes).scores({"x": x}, losses, alone)["x"]
        errors.append(float((found / expected - 1).abs().max()))
    assert errors[1] < 0.2 < errors[0]


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: GradientCriterion(0), "num_batches must be positive, got 0"),
        (lambda: GradientCriterion(of="cube"), "unknown of='cube': choose from sum, square, absolute"),
        (lambda: CurvatureCriterion(num_probes=0), "num_probes must be positive, got 0"),
    ],
)
def test_a_wrong_setting_is_named(make, named):
    with pytest.raises(UserError, match=named):
        make()


def test_a_weight_alone_has_no_scores():
    with pytest.raises(UserError, match="which needs gradients: use it in"):
        GradientCriterion()(torch.ones(3), 0.5)
