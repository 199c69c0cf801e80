"""Activations: the norm is the error of the outputs."""

import pytest
import torch
from torch import nn

from lit_prune.sparsity.svd import weighted_error
from lit_prune.sparsity.whitenings import Activations


def test_the_norm_is_the_root_of_the_mean_squared_error_of_the_outputs():
    torch.manual_seed(0)
    linear, batches = nn.Linear(6, 4), [torch.randn(5, 3, 6) for _ in range(3)]
    whitening = Activations(num_batches=3, damp=1e-9)
    factors = whitening.factors({"layer": linear}, lambda num: (linear(x).sum() for x in batches), lambda own: own)
    change = torch.randn(4, 6)
    rows = torch.cat([x.flatten(0, 1) for x in batches])
    expected = (rows @ change.mT).square().sum() / rows.square().sum() * 6  # the mean square of an input is 1
    assert weighted_error(change, factors["layer"]) == pytest.approx(float(expected.sqrt()), rel=1e-4)


def test_no_gradient_is_computed():
    linear = nn.Linear(6, 4)
    with torch.no_grad():
        found = Activations(1).factors({"layer": linear}, lambda num: iter([linear(torch.ones(2, 6))]), lambda own: own)
    assert found["layer"].left is None
