"""Linear layers that sample the gradient of their tuned entries."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lit_prune.tuning import linear as sampling
from lit_prune.tuning.entries import tune, tuned_entries
from lit_prune.tuning.fold import fold_tuned
from lit_prune.tuning.linear import LARGEST_SHARE, TunedLinear, is_supported, sampled_product

needs_sampling = pytest.mark.skipif(not is_supported("cpu"), reason="this build of torch has no sampled product")
INDEX = torch.tensor([0, 3, 41, 100, 399])  # of 20 x 40


def layer(bias=True, dtype=torch.float32):
    torch.manual_seed(0)
    return nn.Linear(40, 20, bias=bias, dtype=dtype)


def tuned(plain):
    made = copy.deepcopy(plain)
    tune(made, {"weight": INDEX})
    return made


def gradients(network, x, **autocast):
    """Return the gradient of the input and of the layer's bias after a backward pass."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, **autocast):
        output = network(x)
    output.float().square().sum().backward()
    return x.grad


@needs_sampling
@pytest.mark.parametrize("shape", [(40,), (7, 40), (3, 5, 40), (2, 3, 2, 40), (0, 40)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_those_of_the_whole_weight(shape, bias, monkeypatch):
    plain, x = layer(bias), torch.randn(shape)
    made = tuned(plain)
    assert isinstance(made, TunedLinear)
    calls = []
    monkeypatch.setattr(sampling, "sampled_product", lambda *operands: calls.append(1) or sampled_product(*operands))
    torch.testing.assert_close(gradients(made, x, enabled=False), gradients(plain, x, enabled=False))
    expected = plain.weight.grad.flatten()[INDEX]
    torch.testing.assert_close(tuned_entries(made)["weight"].values.grad.flatten(), expected)
    if bias:
        torch.testing.assert_close(made.bias.grad, plain.bias.grad)
    assert calls == [1]
    assert made.parametrizations.weight.original.grad is None


@needs_sampling
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["autocast", "bf16 weights"])
def test_gradients_in_half_precision(dtype):
    plain, x = layer(dtype=dtype), torch.randn(9, 40).to(dtype)
    made = tuned(plain)
    torch.testing.assert_close(
        gradients(made, x, enabled=dtype == torch.float32), gradients(plain, x, enabled=dtype == torch.float32)
    )
    found = tuned_entries(made)["weight"].values.grad.flatten()
    assert found.dtype == dtype
    torch.testing.assert_close(found, plain.weight.grad.flatten()[INDEX], rtol=0.02, atol=0.02)


@needs_sampling
def test_gradients_add_up_over_uses_and_batches():
    plain, x = layer(), torch.randn(4, 40)
    made = tuned(plain)
    for network in (plain, made):
        (network(x) + network(2 * x)).square().sum().backward()
        network(x).sum().backward()
    expected = plain.weight.grad.flatten()[INDEX]
    torch.testing.assert_close(tuned_entries(made)["weight"].values.grad.flatten(), expected)


@needs_sampling
def test_the_output_may_be_changed_in_place():
    made, x = tuned(layer()), torch.randn(2, 3, 40)
    output = made(x)
    output.mul_(2.0)
    output.sum().backward()
    expected = 2 * x.sum((0, 1)).repeat(20)[INDEX]
    torch.testing.assert_close(tuned_entries(made)["weight"].values.grad.flatten(), expected)


def test_without_a_sampled_product_the_whole_gradient_is_taken(monkeypatch):
    def fail(*operands):
        raise AssertionError("there is none")

    monkeypatch.setattr(sampling, "is_supported", lambda device: False)
    monkeypatch.setattr(sampling, "sampled_product", fail)
    plain, x = layer(), torch.randn(4, 40)
    made = tuned(plain)
    gradients(plain, x, enabled=False)
    gradients(made, x, enabled=False)
    assert torch.equal(tuned_entries(made)["weight"].values.grad.flatten(), plain.weight.grad.flatten()[INDEX])


def test_a_device_without_a_sampled_product_is_found(monkeypatch):
    def fail(*operands, **settings):
        raise RuntimeError("Calling addmm on a sparse CPU tensor requires Linux platform with MKL")

    monkeypatch.setattr(torch.sparse, "sampled_addmm", fail)
    assert not is_supported.__wrapped__("cpu")


@pytest.mark.parametrize(
    "index",
    [torch.arange(int(LARGEST_SHARE * 800) + 1), torch.tensor([5, 2])],
    ids=["too many", "not ascending"],
)
def test_other_entries_take_the_whole_gradient(index):
    made = layer()
    tune(made, {"weight": index})
    assert not isinstance(made, TunedLinear)
    x = torch.randn(3, 40)
    made(x).sum().backward()
    torch.testing.assert_close(tuned_entries(made)["weight"].values.grad.flatten(), x.sum(0).repeat(20)[index])


def test_folded_it_is_a_plain_layer_again():
    plain, x = layer(), torch.randn(3, 40)
    made = tuned(plain)
    with torch.no_grad():
        tuned_entries(made)["weight"].values.add_(0.5)
    expected = F.linear(x, plain.weight.detach().flatten().index_add(0, INDEX, torch.full((5,), 0.5)).view(20, 40))
    torch.testing.assert_close(made(x) - plain.bias, expected)
    fold_tuned(made)
    assert type(made) is nn.Linear
    torch.testing.assert_close(made(x) - plain.bias, expected)


@needs_sampling
def test_sampled_products_are_entries_of_the_product():
    generator = torch.Generator().manual_seed(3)
    left, right = (torch.randn(6, size, generator=generator, dtype=torch.float64) for size in (5, 4))
    for index in (torch.tensor([0, 19]), torch.tensor([7]), torch.arange(20)):
        found = sampled_product(left, right, index)
        assert found.dtype == torch.float64
        torch.testing.assert_close(found, (left.T @ right).flatten()[index])
