import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.masks import FixedMask, LearnedMask, refresh


def make(learned=True, bias=True):
    torch.manual_seed(0)
    linear = nn.Linear(6, 4, bias=bias)
    mask = LearnedMask(linear.weight.abs())
    refresh([mask], 0.5)
    return linear, MaskedLinear.from_linear(linear, lambda _: mask if learned else FixedMask(mask.keep))


def surrogate(x, weight, bias, keep, scores):
    """The plain formula: the mask's value is `keep`, its gradient goes to the scores unchanged."""
    straight_through = keep.float() + scores - scores.detach()
    return F.linear(x, weight * straight_through, bias)


def test_the_parameters_are_the_same_objects_under_the_same_keys():
    linear, layer = make()
    assert layer.weight is linear.weight
    assert layer.bias is linear.bias
    assert set(layer.state_dict()) == {"weight", "bias", "mask.scores", "mask.threshold"}
    assert (layer.in_features, layer.out_features) == (6, 4)


def test_building_draws_no_random_numbers_and_keeps_the_mode():
    linear = nn.Linear(6, 4).eval()
    mask = FixedMask(torch.ones(4, 6, dtype=torch.bool))
    state = torch.get_rng_state()
    assert not MaskedLinear.from_linear(linear, lambda _: mask).training
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("shape", [(6,), (3, 6), (2, 3, 6), (2, 1, 3, 6), (0, 6)])
def test_output_and_gradients_against_the_plain_formula(shape, learned, bias):
    _, layer = make(learned, bias)
    x = torch.randn(shape, requires_grad=True)
    scores = layer.mask.scores if learned else torch.zeros_like(layer.weight)
    expected = surrogate(x, layer.weight, layer.bias, layer.mask.keep, scores)
    output = layer(x)
    torch.testing.assert_close(output, expected)
    upstream = torch.randn_like(output)
    inputs = [x, *layer.parameters()]
    gradients = torch.autograd.grad(output, inputs, upstream)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, inputs, upstream))
    assert all(gradient.dtype == torch.float32 for gradient in gradients)


@pytest.mark.parametrize("bias", [True, False])
def test_the_output_may_be_changed_in_place(bias):
    _, layer = make(bias=bias)
    x = torch.randn(2, 3, 6)
    output = layer(x).view(2, 3, 2, 2).permute(0, 2, 1, 3)
    output /= 2
    (changed,) = torch.autograd.grad(output.sum(), layer.mask.scores)
    torch.testing.assert_close(changed, torch.autograd.grad(layer(x).sum() / 2, layer.mask.scores)[0])


def test_score_gradients_by_finite_differences_of_the_surrogate():
    _, layer = make()
    x, upstream = torch.randn(5, 6), torch.randn(5, 4)
    (layer(x) * upstream).sum().backward()
    keep = layer.mask.keep.float()
    # The surrogate is linear in a relaxed mask: a large step has no error but rounding.
    for index in range(keep.numel()):
        step = torch.zeros(keep.numel()).index_fill(0, torch.tensor(index), 0.5).view_as(keep)
        higher, lower = (
            (F.linear(x, layer.weight * (keep + sign * step), layer.bias) * upstream).sum() for sign in (1, -1)
        )
        torch.testing.assert_close(layer.mask.scores.grad.flatten()[index], higher - lower, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("frozen", ["weight", "scores", "bias", "x"])
def test_only_what_is_asked_for_gets_a_gradient(frozen):
    _, layer = make()
    tensors = {"x": torch.randn(3, 6, requires_grad=True), "weight": layer.weight, "bias": layer.bias}
    tensors["scores"] = layer.mask.scores
    tensors[frozen].requires_grad_(False)
    layer(tensors["x"]).sum().backward()
    assert {name for name, tensor in tensors.items() if tensor.grad is None} == {frozen}


def test_pruned_weights_get_no_gradient_and_pruned_scores_do():
    _, layer = make()
    layer(torch.randn(3, 6)).square().sum().backward()
    assert (layer.weight.grad[~layer.mask.keep] == 0).all()
    assert (layer.mask.scores.grad[~layer.mask.keep] != 0).all()


@pytest.mark.parametrize("optimizer", ["AdamW", "SGD"])
def test_what_a_fixed_mask_prunes_is_zero_and_stays_so(optimizer):
    linear, layer = make(learned=False)
    keep = layer.mask.keep
    assert torch.equal(linear.weight != 0, keep)
    layer.load_state_dict(layer.state_dict() | {"weight": torch.randn(4, 6)})
    assert torch.equal(linear.weight != 0, keep)
    settings = {"momentum": 0.9} if optimizer == "SGD" else {}
    train = getattr(torch.optim, optimizer)(layer.parameters(), lr=0.1, weight_decay=0.1, **settings)
    before = linear.weight.detach().clone()
    for _ in range(5):
        train.zero_grad()
        layer(torch.randn(3, 6)).square().sum().backward()
        train.step()
    assert torch.equal(linear.weight != before, keep)
    assert torch.equal(linear.weight != 0, keep)


def test_a_pruned_entry_comes_back():
    linear = nn.Linear(2, 1, bias=False)
    nn.init.ones_(linear.weight)
    mask = LearnedMask(torch.tensor([[0.02, 0.0]]))
    layer = MaskedLinear.from_linear(linear, lambda _: mask)
    linear.weight.requires_grad_(False)
    refresh([mask], 0.5)
    optimizer = torch.optim.SGD([mask.scores], lr=0.005)
    x = torch.tensor([[0.0, 1.0]])
    for _ in range(3):
        optimizer.zero_grad()
        (layer(x) - 1).square().sum().backward()
        optimizer.step()
    assert mask.keep.tolist() == [[True, True]]
    refresh([mask], 0.5)
    assert mask.keep.sum() == 1


@pytest.mark.parametrize("learned", [True, False])
def test_autocast_computes_as_a_dense_layer_does(learned):
    linear, layer = make(learned)
    with torch.no_grad():
        linear.weight.mul_(layer.mask.keep)
    x = torch.randn(3, 5, 6, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        output, expected = layer(x), linear(x)
    assert output.dtype == torch.bfloat16
    assert torch.equal(output, expected)
    upstream = torch.randn(3, 5, 4).bfloat16()
    inputs = [x, layer.weight, layer.bias]
    gradients = torch.autograd.grad(output, inputs, upstream, retain_graph=learned)
    dense = torch.autograd.grad(expected, inputs, upstream)
    assert torch.equal(gradients[0], dense[0])
    assert torch.equal(gradients[1], dense[1] * layer.mask.keep)
    assert torch.equal(gradients[2], dense[2])
    assert all(gradient.dtype == torch.float32 for gradient in gradients)
    if learned:
        (score_gradient,) = torch.autograd.grad(output, [layer.mask.scores], upstream)
        assert score_gradient.dtype == torch.float32
        torch.testing.assert_close(score_gradient, dense[1] * layer.weight)


def test_no_product_is_saved():
    _, layer = make()
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: saved.append(tensor) or tensor, lambda tensor: tensor):
        layer(torch.randn(3, 6, requires_grad=True))
    matrices = [tensor for tensor in saved if tensor.shape == layer.weight.shape]
    assert [tensor.data_ptr() for tensor in matrices] == [layer.weight.data_ptr(), layer.mask.scores.data_ptr()]


@pytest.mark.parametrize("learned", [True, False])
def test_copies_pickles_and_inference(learned):
    _, layer = make(learned)
    x = torch.randn(3, 6)
    with torch.inference_mode():
        expected = layer(x)
        for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert torch.equal(twin(x), expected)
            assert twin.weight is not layer.weight


@pytest.mark.slow
@pytest.mark.parametrize("autocast", [False, True])
def test_compiles_to_one_graph(autocast):
    _, layer = make()
    compiled = copy.deepcopy(layer)
    compiled.compile(fullgraph=True)
    for sparsity in (0.5, 0.25):
        for one in (layer, compiled):
            refresh([one.mask], sparsity)
        x = torch.randn(3, 5, 6)
        gradients = []
        for one in (layer, compiled):
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                output = one(x)
            gradients.append(torch.autograd.grad(output.float().square().sum(), list(one.parameters())))
        torch.testing.assert_close(*gradients, atol=2e-2 if autocast else 1e-5, rtol=2e-2 if autocast else 1e-5)
