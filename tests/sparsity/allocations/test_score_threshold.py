import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import ScoreThreshold
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Movement
from lit_prune.sparsity.schedules import Constant, Cubic

TARGETS = {"first": ["0"], "second": ["1"]}


def attached(schedule, **settings):
    torch.manual_seed(0)
    engine = LayerEngine(TARGETS, Movement(), schedule, scope=ScoreThreshold(**settings))
    engine.attach(nn.Sequential(nn.Linear(40, 30), nn.Linear(30, 20)))
    return engine


@pytest.mark.parametrize("threshold", [0.02, 0.1, 0.5, 0.9])
def test_an_entry_is_kept_while_its_sigmoid_is_above_the_threshold(threshold):
    engine = attached(Constant(threshold))
    for scores in engine.score_parameters().values():
        nn.init.normal_(scores, std=3.0)
    engine.update(1.0)
    for layer in engine.layers.values():
        assert torch.equal(layer.mask.keep, layer.mask.scores.sigmoid() > threshold)
    assert 0 < engine.sparsity() < 1


def test_the_threshold_rises_by_the_schedule():
    engine = attached(Cubic(0.0, 0.1, end=0.8))
    engine.update(0.0)
    assert engine.sparsity() == 0
    for scores in engine.score_parameters().values():
        nn.init.normal_(scores, mean=-2.0)
    shares = []
    for progress in (0.1, 0.4, 0.8):
        engine.update(progress)
        shares.append(engine.sparsity())
        threshold = 0.1 * (1 - (1 - progress / 0.8) ** 3)
        expected = torch.cat([each.flatten() for each in engine.score_parameters().values()]).sigmoid() > threshold
        assert shares[-1] == pytest.approx(1 - float(expected.float().mean()), abs=1e-6)
    assert shares == sorted(set(shares))


def test_equal_scores_are_kept_or_pruned_together_down_to_the_floor():
    engine = attached(Constant(0.1))
    engine.update(1.0)
    assert engine.sparsity() == 0  # scores of 0 have the sigmoid .5
    for scores in engine.score_parameters().values():
        nn.init.constant_(scores, -3.0)
    engine.update(1.0)
    assert [int(layer.mask.keep.sum()) for layer in engine.layers.values()] == [6, 3]  # 0.5% of 1,200 and 600


@pytest.mark.parametrize("floor", [0.0, -0.1, 1.1])
def test_a_matrix_keeps_something(floor):
    with pytest.raises(UserError, match="floor of ScoreThreshold must be above 0 and at most 1, got"):
        ScoreThreshold(floor)
