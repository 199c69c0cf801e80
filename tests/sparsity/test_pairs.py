"""What a matrix kept of its ranks, as two layers."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.count import Count, count, denominator
from lit_prune.sparsity.install import (
    dense_state_dict,
    fix_masks,
    install,
    install_saved,
    masked_layers,
    uninstall,
    unmasked_state,
)
from lit_prune.sparsity.masks import FixedMask, LearnedMask, TaskMasks
from lit_prune.sparsity.pairs import has_pairs, install_saved_pairs, rank_pairs, split_pairs
from lit_prune.sparsity.structures import Element, Rank
from lit_prune.tuning.adapter import add_adapter

LAYER = "encoder.layer.0.dense"


def network():
    torch.manual_seed(0)
    layer = nn.ModuleDict({"dense": nn.Linear(6, 9), "after": nn.Linear(9, 2, bias=False)})
    return nn.ModuleDict({"encoder": nn.ModuleDict({"layer": nn.ModuleList([layer])})})


def told(root, x):
    layer = root["encoder"]["layer"][0]
    return layer["after"](layer["dense"](x))


@pytest.fixture
def pruned():
    """A matrix of six ranks that keeps the second and the fifth, and one without a bias that keeps one of two."""
    root = network()
    keeps = {LAYER: [1, 4], "encoder.layer.0.after": [0]}

    def mask(name, sigma):
        return FixedMask(torch.zeros_like(sigma, dtype=torch.bool).index_fill(0, torch.tensor(keeps[name]), True))

    install(root, keeps, mask, Rank())
    return root


@pytest.fixture
def x():
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(1))


def test_it_computes_what_the_kept_ranks_do_and_has_no_more(pruned, x):
    expected, needed = told(pruned, x), budget(pruned)
    fix_masks(pruned)
    torch.testing.assert_close(told(pruned, x), expected)
    pair = rank_pairs(pruned)[LAYER]
    assert (pair.in_features, pair.rank, pair.out_features, pair.num_ranks) == (6, 2, 9, 6)
    assert pair.wide.bias is not None
    assert rank_pairs(pruned)["encoder.layer.0.after"].wide.bias is None
    assert not masked_layers(pruned)
    assert count(pruned) == {LAYER: Count(2, 6), "encoder.layer.0.after": Count(1, 2)}
    assert denominator(pruned, {"dense": [LAYER]}) == "8 singular values of 2 matrices (dense)"
    assert budget(pruned) == replace(needed, num_mask_bits=0)
    for value in pruned.parameters():
        nn.init.normal_(value)
    assert torch.linalg.matrix_rank(pair.masked_weight()) == 2


def test_learned_masks_and_one_tasks_are_pairs_too_but_not_several(x):
    for make in (lambda keep: LearnedMask(keep.float() - 0.5), lambda keep: TaskMasks({"a": FixedMask(keep)})):
        root = network()
        install(root, [LAYER], lambda _, sigma, make=make: make(torch.arange(6) < 3), Rank())
        if isinstance(mask := masked_layers(root)[LAYER].mask, LearnedMask):
            mask.threshold.fill_(0)
        expected = told(root, x)
        fix_masks(root)
        torch.testing.assert_close(told(root, x), expected)
        assert rank_pairs(root)[LAYER].rank == 3


def test_a_state_is_put_into_a_fresh_network_and_folded_into_whole_matrices(pruned, x):
    masked = pruned.state_dict()
    expected = told(pruned, x)
    fix_masks(pruned)
    state = pruned.state_dict()
    assert has_pairs(state)
    assert not has_pairs(masked)
    fresh = network()
    install_saved(fresh, state)
    fresh.load_state_dict(state)
    assert torch.equal(told(fresh, x), told(pruned, x))
    install_saved_pairs(fresh, state)  # there already
    for whole in (dense_state_dict(pruned), unmasked_state(state)):
        plain = network()
        plain.load_state_dict(whole)
        torch.testing.assert_close(told(plain, x), expected)
    unmasked = network()
    unmasked.load_state_dict(unmasked_state(masked))
    torch.testing.assert_close(told(unmasked, x), told(network(), x))
    uninstall(pruned)
    assert {type(module) for module in pruned["encoder"]["layer"][0].values()} == {nn.Linear}
    torch.testing.assert_close(told(pruned, x), expected)


def test_elements_of_both_layers_are_pruned_further_and_ranks_of_the_pair(pruned, x):
    fix_masks(pruned)
    matched = {"dense": [LAYER], "after": ["encoder.layer.0.after"]}
    both = {target: [f"{name}.{part}" for part in ("narrow", "wide")] for target, (name,) in matched.items()}
    assert split_pairs(pruned, matched) == Element().layers(pruned, matched) == both
    assert Rank().layers(pruned, matched) == matched
    install(pruned, both["dense"], lambda _, weight: LearnedMask(weight.detach().abs()))
    for layer in masked_layers(pruned).values():
        layer.mask.threshold.fill_(float(layer.mask.scores.detach().median()))
    num_kept = {name: int(layer.mask.keep.sum()) for name, layer in masked_layers(pruned).items()}
    assert count(pruned) == {
        name: Count(num_kept[name], each.weight.numel()) for name, each in masked_layers(pruned).items()
    }
    whole = budget(pruned)
    assert whole.num_total == 6 * 9 + 9 * 2 + 9
    assert whole.num_kept == sum(num_kept.values()) + 9 + (9 + 2)
    plain = network()
    plain.load_state_dict(dense_state_dict(pruned))
    torch.testing.assert_close(told(plain, x), told(pruned, x))


def test_a_pair_that_is_pruned_by_rank_has_its_own_ranks_alone(pruned, x):
    fix_masks(pruned)
    expected = told(pruned, x)
    install(pruned, [LAYER], lambda _, sigma: FixedMask(torch.ones_like(sigma, dtype=torch.bool)), Rank())
    assert masked_layers(pruned)[LAYER].sigma.shape == (2,)
    torch.testing.assert_close(told(pruned, x), expected)


def test_an_adapter_goes_after_a_pair(pruned, x):
    fix_masks(pruned)
    expected = told(pruned, x)
    add_adapter(pruned.get_submodule(LAYER), 9, 2)
    assert torch.equal(told(pruned, x), expected)
    assert budget(pruned).num_total == budget(network()).num_total + 2 * 9 + 2 + 2 * 9 + 9
