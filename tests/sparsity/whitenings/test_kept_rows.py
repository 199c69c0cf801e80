"""KeptRows: rows count by their kept entries."""

import pytest
import torch
from torch import nn

from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.masks import FixedMask
from lit_prune.sparsity.pairs import RankPair
from lit_prune.sparsity.svd import weighted_error, weighted_svd
from lit_prune.sparsity.whitenings import KeptRows


def factors_of(*layers, damp=1e-9):
    named = {str(number): layer for number, layer in enumerate(layers)}
    return list(KeptRows(damp).factors(named, None, None).values())


def test_the_weight_of_a_row_is_the_number_of_its_kept_entries():
    torch.manual_seed(0)
    linear = nn.Linear(6, 4)
    keep = torch.zeros(4, 6, dtype=torch.bool)
    for row, number in enumerate((6, 3, 1, 2)):
        keep[row, :number] = True
    layer = MaskedLinear.from_linear(linear, lambda weight: FixedMask(keep))
    (factors,) = factors_of(layer)
    torch.testing.assert_close(factors.left.square(), torch.tensor([2.0, 1.0, 1 / 3, 2 / 3], dtype=torch.float64))
    dense = layer.masked_weight()
    errors = []
    for each in (factors, None):
        ut, sigma, vh = (part[:2] for part in weighted_svd(dense, each))
        errors.append(weighted_error(dense - (ut.mT * sigma) @ vh, factors))
    assert errors[0] < errors[1]


def test_without_pruned_entries_it_is_plain_and_warns():
    with pytest.warns(UserWarning, match="KeptRows has no effect: no entry is pruned; prune entries in a phase before"):
        found = factors_of(nn.Linear(6, 4), RankPair(5, 2, 4))
    for factors in found:
        torch.testing.assert_close(factors.left, torch.ones(4, dtype=torch.float64))
