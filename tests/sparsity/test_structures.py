"""Masked layers of either structure; a matrix by its singular values."""

import copy

import pytest
import torch
from models import set_anew
from torch import nn

from lit_prune.sparsity.layers import LowRankLinear, MaskedLinear
from lit_prune.sparsity.masks import LearnedMask, ReversibleMask, TaskMasks, refresh
from lit_prune.sparsity.structures import Element, Rank

SHAPES = [(5, 8), (8, 5), (6, 6)]


def linear(shape=(5, 8), bias=True):
    torch.manual_seed(0)
    return nn.Linear(shape[1], shape[0], bias=bias)


def everything(masked):
    return ReversibleMask(torch.ones_like(masked, dtype=torch.bool))


def test_the_layers_of_a_structure_are_masked_by_what_it_keeps_or_prunes():
    assert isinstance(Element()(linear(), everything), MaskedLinear)
    layer = Rank()(linear(), everything)
    assert isinstance(layer, LowRankLinear)
    assert layer.masked is layer.sigma
    assert layer.mask.keep.shape == (5,)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_all_ranks_compute_what_the_matrix_does(shape, bias):
    plain = linear(shape, bias)
    layer = Rank()(copy.deepcopy(plain), everything)
    x = torch.randn(2, 3, shape[1])
    torch.testing.assert_close(layer(x), plain(x))
    torch.testing.assert_close(layer.to_linear().weight, plain.weight)
    assert layer.state_dict().keys() == {"ut", "sigma", "vh", "mask.keep", *(["bias"] if bias else [])}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_singular_values_are_the_best_matrix_of_their_rank(shape):
    plain = linear(shape)
    layer = Rank()(copy.deepcopy(plain), everything)
    set_anew([layer.mask], [layer.sigma.abs()], 1 - 2 / min(shape))
    assert layer.mask.keep.tolist() == [True, True] + [False] * (min(shape) - 2)
    kept = layer.masked_weight()
    assert torch.linalg.matrix_rank(kept) == 2
    # Eckart, Young: the error is what the other singular values are.
    error = torch.linalg.matrix_norm(plain.weight - kept)
    torch.testing.assert_close(error, layer.sigma[2:].square().sum().sqrt())
    x = torch.randn(3, shape[1])
    torch.testing.assert_close(layer(x), nn.functional.linear(x, kept, plain.bias))


@pytest.mark.parametrize("learned", [True, False])
def test_gradients_against_the_plain_formula(learned):
    layer = Rank()(linear(), lambda sigma: LearnedMask(sigma.detach().clone()) if learned else everything(sigma))
    if learned:
        refresh([layer.mask], 0.4)
    else:
        set_anew([layer.mask], [layer.sigma], 0.4)
    keep = layer.mask.keep.float()
    assert keep.sum() == 3
    scores = layer.mask.scores if learned else torch.zeros(5)
    x = torch.randn(2, 3, 8, requires_grad=True)
    straight_through = keep + scores - scores.detach()
    expected = (x @ layer.vh.T * (layer.sigma * straight_through)) @ layer.ut + layer.bias
    output = layer(x)
    torch.testing.assert_close(output, expected)
    upstream = torch.randn_like(output)
    inputs = [x, *layer.parameters()]
    gradients = torch.autograd.grad(output, inputs, upstream, materialize_grads=True)
    # Without a learned mask the pruned ranks are not computed; with one, U and V of a pruned rank still get none.
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, inputs, upstream))
    names = [name for name, _ in layer.named_parameters()]
    by_name = dict(zip(names, gradients[1:], strict=True))
    pruned = keep == 0
    for factor in ("ut", "vh"):
        whole = torch.cat([value for name, value in by_name.items() if name.startswith(factor)])
        assert (whole[pruned] == 0).all()
    if learned:
        assert (by_name["mask.scores"][pruned] != 0).all()


def test_a_block_without_a_kept_rank_costs_nothing_and_does_not_move():
    layer = Rank()(linear((32, 40)), everything)
    assert len(layer.ut_blocks) == len(layer.vh_blocks) == LowRankLinear.BLOCKS
    set_anew([layer.mask], [layer.sigma.abs()], 0.8)  # the first 6 of 32 are kept, in two blocks of 4
    before = copy.deepcopy(layer)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, weight_decay=0.1)
    layer(torch.randn(3, 40)).square().sum().backward()
    optimizer.step()
    for factor in ("ut_blocks", "vh_blocks"):
        blocks = getattr(layer, factor)
        assert [block.grad is not None for block in blocks] == [True, True] + [False] * 6
        moved = [not torch.equal(*pair) for pair in zip(blocks, getattr(before, factor), strict=True)]
        assert moved == [True, True] + [False] * 6


def test_a_layer_without_a_kept_rank_gives_its_bias():
    layer = Rank()(linear((32, 40)), everything)
    layer.mask.keep.zero_()
    torch.testing.assert_close(layer(torch.randn(3, 40)), layer.bias.expand(3, -1))


def test_a_state_dict_has_whole_factors_and_is_of_any_number_of_blocks():
    layer = Rank()(linear((32, 40)), everything)
    state = layer.state_dict()
    assert (state["ut"].shape, state["vh"].shape) == ((32, 32), (32, 40))
    single = LowRankLinear(torch.zeros(32, 32), torch.zeros(32), torch.zeros(32, 40), nn.Parameter(torch.zeros(32)))
    single.mask = everything(single.sigma)
    single.load_state_dict(state)
    again = Rank()(linear((32, 40)), everything)
    again.load_state_dict(single.state_dict())
    assert all(torch.equal(value, layer.state_dict()[name]) for name, value in again.state_dict().items())


def test_ranks_come_back():
    layer = Rank()(linear(), everything)
    order = torch.arange(5.0)
    set_anew([layer.mask], [order], 0.4)
    assert layer.mask.keep.tolist() == [False, False, True, True, True]
    set_anew([layer.mask], [-order], 0.4)
    assert layer.mask.keep.tolist() == [True, True, True, False, False]


def test_autocast_computes_in_the_lower_precision():
    layer = Rank()(linear(), everything)
    x = torch.randn(3, 8)
    expected = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(x)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output.float(), expected, atol=3e-2, rtol=3e-2)


def test_what_a_reversible_mask_prunes_keeps_its_value_and_gets_no_gradient():
    plain = linear()
    before = plain.weight.detach().clone()
    layer = Element()(plain, everything)
    set_anew([layer.mask], [layer.weight.abs()], 0.5)
    pruned = ~layer.mask.keep
    x = torch.randn(3, 8)
    torch.testing.assert_close(layer(x), nn.functional.linear(x, before * layer.mask.keep, plain.bias))
    layer(x).square().sum().backward()
    assert (layer.weight.grad[pruned] == 0).all()
    assert (layer.weight.grad[~pruned] != 0).all()
    assert torch.equal(layer.weight, before)
    layer.load_state_dict(layer.state_dict())
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize("structure", [Element(), Rank()])
@pytest.mark.parametrize("hybrid", [True, False])
def test_a_task_has_its_own_mask_and_no_other_sees_its_gradient(structure, hybrid):
    def scores(masked):
        return LearnedMask(torch.rand_like(masked))

    def masks(masked):
        return TaskMasks({"a": scores(masked), "b": scores(masked)}, scores(masked) if hybrid else None)

    layer = structure(linear(), masks)
    for part in layer.mask.submasks.values():
        refresh([part], 0.6)
    keeps = {name: part.keep for name, part in layer.mask.submasks.items()}
    x = torch.randn(3, 8)
    outputs = {}
    for task in ("a", "b"):
        layer.mask.task = task
        assert torch.equal(layer.mask.keep, keeps[task] | keeps[""] if hybrid else keeps[task])
        outputs[task] = layer(x)
        torch.testing.assert_close(outputs[task], nn.functional.linear(x, layer.masked_weight(), layer.bias))
    assert not torch.equal(outputs["a"], outputs["b"])
    layer.mask.task = "a"
    layer(x).square().sum().backward()
    gradients = {name: part.scores.grad for name, part in layer.mask.submasks.items()}
    assert gradients["b"] is None
    assert (gradients["a"] != 0).all()
    if hybrid:
        assert torch.equal(gradients[""], gradients["a"])
