"""Statistics of layers over batches, and what all whitenings share."""

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.masks import ReversibleMask
from lit_prune.sparsity.pairs import RankPair
from lit_prune.sparsity.structures import Rank
from lit_prune.sparsity.svd import weighted_error
from lit_prune.sparsity.whitenings import Activations, FisherRows, Kronecker
from lit_prune.sparsity.whitenings.whitening import gather

KINDS = [Activations, FisherRows, Kronecker]


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), RankPair(5, 3, 4), nn.Tanh(), nn.Linear(4, 3))


def layers_of(model):
    return {name: model.get_submodule(name) for name in ("0", "2", "4")}


def everything(sigma):
    return ReversibleMask(torch.ones_like(sigma, dtype=torch.bool))


def losses_of(model, num_rows=8):
    def losses(num_batches):
        torch.manual_seed(1)
        for _ in range(num_batches):
            x = torch.randn(num_rows, 2, 6) * torch.logspace(-1, 1, 6)
            yield nn.functional.cross_entropy(model(x).flatten(0, 1), torch.randint(3, (2 * num_rows,)))

    return losses


def test_gathered_rows_give_the_gradients_of_the_weights_and_leave_the_network_as_it_was():
    model, found = network(), []
    gather(layers_of(model), losses_of(model), 2, lambda *each: found.append(each))
    assert [name for name, _, _ in found] == ["0", "2", "4"] * 2
    assert not any(module._forward_hooks for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    for number, loss in enumerate(losses_of(model)(2)):
        own = {name: (inputs, gradients) for name, inputs, gradients in found[3 * number : 3 * number + 3]}
        for name in ("0", "4"):
            inputs, gradients = own[name]
            (expected,) = torch.autograd.grad(loss, model.get_submodule(name).weight, retain_graph=True)
            torch.testing.assert_close((gradients.mT @ inputs).float(), expected)


def test_hooks_are_gone_after_an_error():
    model = network()

    def losses(_):
        model(torch.ones(1, 6))
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        gather(layers_of(model), losses, 1, lambda *_: None)
    assert not any(module._forward_hooks for module in model.modules())


def test_compiled_layers_are_observed_too():
    model = network()
    model.compile(backend="eager")
    model(torch.ones(1, 6))
    found = []
    gather(layers_of(model), losses_of(model), 1, lambda *each: found.append(each))
    assert len(found) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_summed_over_processes(kind):
    model = network()
    alone, others = (
        kind(num_batches=2).factors(layers_of(model), losses_of(model), sum_processes)
        for sum_processes in (lambda own: own, lambda own: own + torch.eye(len(own)) if own.ndim == 2 else own + 1)
    )
    for name, factors in alone.items():
        changed = [not torch.allclose(*pair) for pair in zip(factors, others[name], strict=True) if pair[0] is not None]
        assert changed
        assert all(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_are_decomposed_in_the_norm_and_the_network_computes_the_same(kind):
    model = network()
    x = torch.randn(4, 6)
    expected = model(x)
    structure = Rank(kind(num_batches=4))
    assert structure.needs_losses
    assert not Rank().needs_losses
    layers = layers_of(model)
    factors = structure.whitening.factors(layers, losses_of(model), lambda tensor: tensor)
    structure.use(layers, losses_of(model), lambda tensor: tensor)
    for name, linear in layers.items():
        dense = linear.masked_weight() if isinstance(linear, RankPair) else linear.weight.detach()
        plain, whitened = Rank()(linear, everything), structure(linear, everything)
        assert len(whitened.sigma) == len(plain.sigma)
        errors = []
        for layer in (whitened, plain):
            layer.mask.keep[2:] = False
            errors.append(weighted_error(dense - layer.masked_weight(), factors[name]))
            layer.mask.keep[2:] = True
        assert errors[0] < errors[1]
        model.set_submodule(name, whitened)
    torch.testing.assert_close(model(x), expected, atol=1e-4, rtol=1e-4)


def test_statistics_are_used_once_and_a_layer_of_a_checkpoint_needs_none():
    model = network()
    structure = Rank(Activations(num_batches=1))
    layers = layers_of(model)
    structure.use(layers, losses_of(model), lambda tensor: tensor)
    first, second = (structure(layers["0"], everything) for _ in range(2))
    assert torch.equal(second.sigma, Rank()(layers["0"], everything).sigma)
    assert not torch.allclose(first.sigma, second.sigma)


@pytest.mark.parametrize("setting", ["num_batches", "damp"])
@pytest.mark.parametrize("kind", KINDS)
def test_settings_must_be_positive(kind, setting):
    with pytest.raises(UserError, match=f"{setting} must be positive, got 0"):
        kind(**{setting: 0})
