"""FisherRows: the squares of batch gradients, summed over rows."""

import torch
from torch import nn

from lit_prune.sparsity.whitenings import FisherRows


def test_the_scales_are_of_the_squared_gradients_of_the_weights():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    batches = [torch.randn(4, 2, 6) for _ in range(3)]
    losses = [model(x).square().mean() for x in batches]
    squares = sum(torch.autograd.grad(loss, model[0].weight)[0].double().square() for loss in losses).sum(1)
    whitening = FisherRows(num_batches=3, damp=0.1)
    found = whitening.factors({"0": model[0]}, lambda num: (model(x).square().mean() for x in batches), lambda own: own)
    torch.testing.assert_close(found["0"].left, (squares / squares.mean() + 0.1).sqrt(), rtol=1e-5, atol=0)
    assert found["0"].right is None
