import copy
import pickle

import pytest
import torch
from torch import nn

from lit_prune.sparsity.criteria import HardMagnitude, Magnitude, Movement, Random, RelativeMagnitude


@pytest.mark.parametrize("criterion", [Magnitude(), RelativeMagnitude(), Movement(), HardMagnitude(), Random(0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scores_have_the_weight_s_shape_and_no_graph(criterion, dtype):
    weight = nn.Parameter(torch.randn(6, 5, dtype=dtype))
    scores = criterion(weight, 0.5)
    assert scores.shape == weight.shape
    assert scores.dtype == torch.float32
    assert not scores.requires_grad
    assert (scores >= 0).all()


def test_criteria_copy_and_pickle():
    for criterion in (Magnitude(), HardMagnitude(), Random(1)):
        weight = torch.randn(4, 4)
        twins = [copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion)), criterion]
        assert len({tuple(twin(weight, 0.5).flatten().tolist()) for twin in twins}) == 1
