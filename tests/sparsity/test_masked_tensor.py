"""A parameter under a mask, between the steps of an optimizer and in them."""

import pytest
import torch
from torch import nn

from lit_prune.sparsity.masked_tensor import MaskedTensor, hide, reveal
from lit_prune.sparsity.masks import FixedMask, LearnedMask, ReversibleMask

KEEP = torch.tensor([True, False, True])


@pytest.fixture
def masked():
    """A function: a mask -> a parameter of ones under it, hidden."""

    def make(mask):
        each = MaskedTensor(nn.Parameter(torch.ones(3)), nn.Identity())
        each.mask = mask
        each.hide()
        return each

    return make


@pytest.mark.parametrize(("kind", "returned"), [(ReversibleMask, 1.0), (FixedMask, 0.0)])
def test_pruned_entries_are_hidden_and_return_unless_the_mask_is_fixed(masked, kind, returned):
    each = masked(kind(KEEP))
    assert each.parameter.tolist() == [1, 0, 1]
    assert each.masked.tolist() == [1, returned, 1]
    reveal([each])
    assert each.parameter.tolist() == [1, returned, 1]
    hide([each, each])
    assert each.parameter.tolist() == [1, 0, 1]


def test_a_gradient_goes_to_kept_entries_and_to_all_scores(masked):
    mask = LearnedMask(torch.tensor([1.0, -1.0, 1.0]))
    mask.threshold.fill_(0.0)
    each = masked(mask)
    gradient = torch.tensor([1.0, 2.0, 3.0])
    for times in (1, 2):
        assert each.receive(gradient).tolist() == [1, 0, 3]
        assert torch.equal(mask.scores.grad, times * gradient)
    each.reveal()
    assert each.receive(gradient) is gradient
