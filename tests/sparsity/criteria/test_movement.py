import torch

from lit_prune.sparsity.criteria import Magnitude, Movement, Random


def test_of_movement_alone_the_scores_are_kept_up_by_training():
    assert [each.accumulates for each in (Movement(), Magnitude(), Random(0))] == [True, False, False]
    weight = torch.randn(3, 4)
    assert (Movement()(weight, 0.5) == 0).all()
    assert torch.equal(Movement(Magnitude())(weight, 0.5), weight.abs())
