"""Kronecker: the norm is that of the Kronecker product of both second moments."""

import pytest
import torch
from torch import nn

from lit_prune.sparsity.svd import weighted_error
from lit_prune.sparsity.whitenings import Kronecker


def test_the_norm_is_the_quadratic_form_of_the_kronecker_product():
    torch.manual_seed(0)
    linear, batches = nn.Linear(5, 4), [torch.randn(8, 5) for _ in range(3)]
    whitening = Kronecker(num_batches=3, damp=1e-9)

    def losses(_):
        return (linear(x).square().sum() for x in batches)

    (factors,) = whitening.factors({"layer": linear}, losses, lambda own: own).values()
    rows = torch.cat(batches).double()
    gradients = 2 * linear(torch.cat(batches)).detach().double()
    inputs, outputs = (each.mT @ each / each.square().sum() * each.shape[1] for each in (rows, gradients))
    change = torch.randn(4, 5)
    flat = change.double().flatten()
    assert weighted_error(change, factors) ** 2 == pytest.approx(
        float(flat @ torch.kron(outputs, inputs) @ flat), rel=1e-4
    )
