import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import HardMagnitude, Magnitude, Random, RelativeMagnitude
from lit_prune.sparsity.select import keep_largest, num_kept


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("criterion", [Magnitude(), HardMagnitude()])
def test_local_magnitude_against_torch(criterion, sparsity):
    linear = nn.Linear(20, 10)
    (keep,) = keep_largest([criterion(linear.weight, sparsity)], num_kept(200, sparsity))
    prune.l1_unstructured(linear, "weight", amount=200 - num_kept(200, sparsity))
    assert torch.equal(keep, linear.weight_mask.bool())


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
def test_global_magnitude_against_torch(sparsity):
    layers = [nn.Linear(20, 10), nn.Linear(7, 30)]
    keeps = keep_largest([Magnitude()(layer.weight, sparsity) for layer in layers], num_kept(410, sparsity))
    amount = 410 - num_kept(410, sparsity)
    prune.global_unstructured([(layer, "weight") for layer in layers], prune.L1Unstructured, amount=amount)
    assert all(torch.equal(keep, layer.weight_mask.bool()) for keep, layer in zip(keeps, layers, strict=True))


def test_hard_magnitude_has_two_scores_and_an_exact_count():
    scores = HardMagnitude(high=0.5)(torch.ones(10, 10), 0.29)
    assert scores.unique().tolist() == [0.0, 0.5]
    assert (scores == 0.5).sum() == 71
    with pytest.raises(UserError, match="-1"):
        HardMagnitude(high=-1)


def test_random_repeats_by_seed_and_differs_between_matrices():
    weight = torch.zeros(50, 50)
    first, second = Random(3), Random(3)
    pair = [first(weight, 0.5), first(weight, 0.5)]
    assert torch.equal(pair[0], second(weight, 0.5))
    assert not torch.equal(*pair)
    assert not torch.equal(pair[0], Random(4)(weight, 0.5))
    assert 0.45 < pair[0].mean() < 0.55


def test_relative_magnitude_knows_no_scale():
    weight = torch.randn(7, 30)
    scores = RelativeMagnitude()(weight, 0.5)
    torch.testing.assert_close(RelativeMagnitude()(100 * weight, 0.5), scores)
    torch.testing.assert_close(scores.square().mean(), torch.tensor(1.0))
    torch.testing.assert_close(scores, weight.abs() / weight.square().mean().sqrt())
    assert (RelativeMagnitude()(torch.zeros(3), 0.5) == 0).all()


def test_random_scores_may_be_those_of_the_runs_seed():
    def scores(of_run, seed):
        torch.manual_seed(of_run)
        criterion = Random(seed)
        torch.rand(7)  # what a run has drawn before does not matter
        return criterion(torch.zeros(20), 0.5)

    assert torch.equal(scores(3, None), scores(3, None))
    assert not torch.equal(scores(3, None), scores(4, None))
    assert torch.equal(scores(3, None), scores(9, 3))
    assert torch.equal(scores(3, 0), scores(4, 0))
