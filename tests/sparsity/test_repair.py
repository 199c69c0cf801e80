"""Repair of pruned layers against NumPy's least squares, and the property that it never raises an error."""

import numpy as np
import pytest
import torch
from torch import nn

from lit_prune import prune, repair
from lit_prune.errors import UserError
from lit_prune.sparsity.repair import least_squares, squared_error


def dense_state(network):
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def pruned_matrix(kind, generator):
    """A dense matrix (6, 12) and its pruned form."""
    target = torch.randn(6, 12, generator=generator)
    keep = torch.ones_like(target, dtype=torch.bool)
    if kind == "elements":
        keep = torch.rand(6, 12, generator=generator) > 0.5
    if kind == "units":  # columns of the second matrix of a feed-forward block
        keep[:, [0, 3, 4, 9]] = False
    if kind == "heads":  # columns in threes, and the rows of the next layer's pruned unit
        keep[:, 3:6] = False
        keep[2] = False
    return target, target.masked_fill(~keep, 0)


@pytest.mark.parametrize("kind", ["elements", "units", "heads"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_each_row_is_the_least_squares_of_numpy_on_its_kept_entries(kind, ridge):
    generator = torch.Generator().manual_seed(4)
    target, weight = pruned_matrix(kind, generator)
    inputs = torch.randn(40, 12, generator=generator, dtype=torch.float64)
    gram = inputs.T @ inputs
    found = least_squares(weight.double(), target.double(), gram, ridge).numpy()
    distance = np.sqrt(ridge * float(gram.diagonal().mean()))
    for row in range(6):
        kept = np.flatnonzero(weight[row].numpy())
        outputs = inputs.numpy() @ target[row].double().numpy()
        stacked = np.concatenate([inputs.numpy()[:, kept], distance * np.eye(len(kept))])
        goal = np.concatenate([outputs, distance * weight[row, kept].double().numpy()])
        expected = np.zeros(12)
        expected[kept] = np.linalg.lstsq(stacked, goal, rcond=None)[0]
        np.testing.assert_allclose(found[row], expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_no_row_has_a_larger_error_whatever_the_inputs(seed):
    generator = torch.Generator().manual_seed(seed)
    dtype = [torch.float32, torch.bfloat16, torch.float16][seed % 3]
    target, weight = pruned_matrix(["elements", "units", "heads"][seed % 3], generator)
    target = (target * 10.0 ** (seed % 5 - 2)).to(dtype)
    weight = target.masked_fill(weight == 0, 0)
    if seed % 2:  # the kept weights have been trained since
        weight = weight * 1.3
    inputs = torch.randn(1 + seed, 12, generator=generator, dtype=torch.float64)  # fewer rows than columns: singular
    inputs[:, seed % 12] = inputs[:, 5] * (1 + 1e-9)
    gram = inputs.T @ inputs * 10.0 ** (seed - 10)
    ridge = [0.0, 1e-12, 1e-3][seed % 3]
    repaired = least_squares(weight, target, gram, ridge)
    assert repaired.dtype == dtype
    assert bool((squared_error(target, repaired, gram) <= squared_error(target, weight, gram)).all())
    assert bool((repaired[weight == 0] == 0).all())


def test_a_network_is_repaired_in_order_on_inputs_of_what_is_pruned(network, rows):
    dense = dense_state(network)
    prune(network, 0.5, scope="local")
    masks = {name: value != 0 for name, value in network.state_dict().items()}
    with torch.no_grad():
        goal = nn.Sequential(*network)(rows)
    network.train()
    errors = repair(network, dense, [rows[:10], rows[10:]])
    assert network.training
    assert list(errors) == ["0", "2"]
    assert all(error.after < error.before for error in errors.values())
    for name in errors:
        now = network.get_parameter(f"{name}.weight").detach()
        assert bool((now[~masks[f"{name}.weight"]] == 0).all())
    inputs = {"0": rows, "2": network[:2](rows).detach()}  # of the network as it is repaired
    for name, given in inputs.items():
        wanted = given @ dense[f"{name}.weight"].T
        missing = wanted - given @ network.get_parameter(f"{name}.weight").detach().T
        assert errors[name].after == pytest.approx(float(missing.square().sum() / wanted.square().sum()), rel=1e-3)
    assert not torch.equal(goal, network(rows))


def test_batches_may_be_keyword_arguments_or_called_by_a_function(network, rows):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network

        def forward(self, values):
            return self.inner(values)

    model = Named()
    dense = dense_state(model)
    prune(model, 0.5)
    before = dense_state(model)
    by_name = repair(model, dense, [{"values": rows}])
    model.load_state_dict(before)
    assert repair(model, dense, [rows], call=lambda model, batch: model.inner(batch)) == by_name


def test_errors_say_what_to_do(network, rows):
    dense = dense_state(network)
    with pytest.raises(UserError, match="of a pruned linear layer, got none"):
        repair(network, dense, [rows])
    prune(network, 0.5)
    with pytest.raises(UserError, match="ridge must be 0 or more, got -1"):
        repair(network, dense, [rows], ridge=-1)
    with pytest.raises(UserError, match="batches must be readable several times"):
        repair(network, dense, iter([rows]))
