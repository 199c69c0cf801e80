"""What methods share."""

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.tuning import ChildPruning, ChildTuningFree, DiffPruning, Mixout


@pytest.fixture
def root():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    return nn.ModuleDict({"encoder": encoder, "heads": nn.Linear(4, 2)})


@pytest.mark.parametrize("method", [ChildPruning, ChildTuningFree, DiffPruning, Mixout])
def test_targets_are_of_the_encoder_and_what_is_frozen_is_none(method, root):
    root["encoder"][1].requires_grad_(False)
    assert method().names(root) == ["encoder.0.weight", "encoder.0.bias"]
    assert method(targets=["*.bias"]).names(root) == ["encoder.0.bias"]
    with pytest.raises(UserError, match="targets must match parameters"):
        method(targets=["heads.*"]).check(root)


def test_a_method_that_does_not_search_has_nothing_to_shape(root):
    assert Mixout().after_search_step(root, 1) == {}
    assert Mixout().penalty(root) == 0
    with pytest.raises(NotImplementedError):
        Mixout().begin_search(root)
