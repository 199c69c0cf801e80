"""Masks to compare with keep as many entries, in other places."""

import pytest
import torch

from lit_prune.sparsity.controls import RandomMask, ShuffledMask

KEEP = torch.rand(30, 20, generator=torch.Generator().manual_seed(3)) < torch.linspace(0, 1, 20)  # dense to the right


@pytest.mark.parametrize("control", [RandomMask, ShuffledMask])
def test_as_many_entries_elsewhere_the_same_for_a_seed(control):
    other = control(seed=1)(KEEP)
    assert other.dtype == torch.bool
    assert other.sum() == KEEP.sum()
    assert not torch.equal(other, KEEP)
    assert torch.equal(other, control(seed=1)(KEEP))
    assert not torch.equal(other, control(seed=2)(KEEP))


def test_a_control_draws_anew_for_every_matrix():
    control = RandomMask(seed=1)
    assert not torch.equal(control(KEEP), control(KEEP))


def test_a_shuffled_mask_has_the_same_rows_and_columns_and_a_random_one_has_not():
    def counts(mask):
        return [sorted(mask.sum(axis).tolist()) for axis in (0, 1)]

    assert counts(ShuffledMask(seed=1)(KEEP)) == counts(KEEP)
    assert counts(RandomMask(seed=1)(KEEP)) != counts(KEEP)
