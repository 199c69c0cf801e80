"""Scores and corrections against the dense second-order model, by brute force over masks."""

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lit_prune import prune
from lit_prune.errors import UserError
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import BlockFisher
from lit_prune.sparsity.criteria.block_fisher import compensated, saliency
from lit_prune.sparsity.mask_kinds import Fixed, Reversible
from lit_prune.sparsity.schedules import Constant

NAMES = ["0.weight", "2.weight"]


def blocks_of(count, size, seed=0):
    """Random damped Fisher matrices (count, size, size) of a few gradients each."""
    gradients = torch.randn(count, 7, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return gradients.mT @ gradients / 7 + 1e-3 * torch.eye(size, dtype=torch.float64)


def loss_of(change, fisher):
    """The second-order model of the loss."""
    return float(change @ fisher @ change) / 2


def best_change(weight, pruned, fisher):
    """The least loss with some entries pruned, by the Lagrange conditions of the whole block; its change."""
    size = len(weight)
    rows = np.eye(size)[pruned]
    system = np.block([[fisher, rows.T], [rows, np.zeros((len(pruned), len(pruned)))]])
    return np.linalg.solve(system, np.concatenate([np.zeros(size), -weight[pruned]]))[:size]


@pytest.mark.parametrize("seed", range(3))
def test_every_mask_of_a_block_gets_the_weights_of_least_loss(seed):
    size = 5
    (fisher,) = blocks_of(1, size, seed)
    weight = torch.randn(size, generator=torch.Generator().manual_seed(seed + 10), dtype=torch.float64)
    for count in range(1, size):
        for pruned in map(list, itertools.combinations(range(size), count)):
            keep = torch.ones(size, dtype=torch.bool)
            keep[pruned] = False
            expected = weight.numpy() + best_change(weight.numpy(), pruned, fisher.numpy())
            np.testing.assert_allclose(compensated(weight, keep, fisher[None]).numpy(), expected, atol=1e-9)


def test_a_score_is_the_least_loss_of_pruning_that_entry_alone():
    fishers = blocks_of(3, 4)
    weight = torch.randn(2, 5, generator=torch.Generator().manual_seed(3))  # 10 entries: the last block has 2
    scores = saliency(weight, fishers).flatten()
    padded = np.concatenate([weight.double().flatten().numpy(), np.zeros(2)])
    for entry in range(10):
        block, place = divmod(entry, 4)
        values, fisher = padded[4 * block : 4 * block + 4], fishers[block].numpy()
        least = loss_of(best_change(values, [place], fisher), fisher)
        assert float(scores[entry]) == pytest.approx(least, rel=1e-9)


def criterion_on(network, rows, **settings):
    """A function that prunes half of each matrix: the masks, and how often the network ran."""
    calls = []

    def losses(count):
        calls.append(count)
        for number in range(count):
            with torch.enable_grad():
                yield network(rows[number % len(rows)][None]).square().sum()

    prune(network, 0.5, criterion=BlockFisher(6, block_size=10, **settings), losses=losses, scope="local")
    return calls


def test_a_network_is_scored_and_corrected_by_the_gradients_of_its_batches(network, rows):
    dense = copy.deepcopy(network)
    criterion_on(network, rows, damp=1e-3)
    gradients = [
        torch.autograd.grad(dense(row[None]).square().sum(), [dense.get_parameter(each) for each in NAMES])
        for row in rows[:6]
    ]
    for position, name in enumerate(NAMES):
        weight = dense.get_parameter(name).detach().double().flatten().numpy()
        samples = np.stack([each[position].double().flatten().numpy() for each in gradients])
        expected, scores = weight.copy(), np.zeros(len(weight))
        fishers = []
        for begin in range(0, len(weight), 10):
            part = samples[:, begin : begin + 10]
            fishers.append(part.T @ part / 6 + 1e-3 * np.eye(part.shape[1]))
            diagonal = np.diag(np.linalg.inv(fishers[-1]))
            scores[begin : begin + 10] = weight[begin : begin + 10] ** 2 / (2 * diagonal)
        pruned = np.argsort(scores)[: len(weight) // 2]
        for number, fisher in enumerate(fishers):
            own = [entry - 10 * number for entry in pruned if entry // 10 == number]
            span = slice(10 * number, 10 * number + len(fisher))
            expected[span] += best_change(weight[span], own, fisher)
        found = network.get_parameter(name).detach().flatten().numpy()
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert set(np.flatnonzero(found == 0)) == set(pruned)


def test_layers_in_groups_are_pruned_as_all_at_once(network, rows):
    grouped = copy.deepcopy(network)
    assert criterion_on(network, rows) == [6]
    assert criterion_on(grouped, rows, memory=1e-9) == [6, 6, 6, 6]  # a pass a layer, for scores and for corrections
    for name, value in network.named_parameters():
        assert torch.equal(value, grouped.get_parameter(name))


def test_it_keeps_one_group_of_blocks_and_none_after_an_update(network, rows):
    criterion = BlockFisher(2, block_size=5, memory=1e-9)
    engine = LayerEngine({"a": ["0"], "b": ["2"]}, criterion, Constant(0.5), masks=Fixed())
    engine.attach(network)
    held = []

    def losses(count):
        held.append(len(criterion._fishers))
        with torch.enable_grad():
            yield from (network(rows).square().sum() for _ in range(count))

    engine.use_losses(losses, lambda tensor: tensor)
    engine.update(1.0)
    assert held == [0, 0, 0, 0]
    assert criterion._fishers == {}
    again = {name: keep.clone() for name, keep in engine.masks().items()}
    engine.update(1.0)  # what is pruned stays pruned
    assert all(torch.equal(keep, again[name]) for name, keep in engine.masks().items())


def test_gradients_are_summed_over_processes(network, rows):
    both = copy.deepcopy(network)

    def pruned(root, factor):
        criterion = BlockFisher(2, block_size=5)
        engine = LayerEngine({"a": ["0"], "b": ["2"]}, criterion, Constant(0.5), masks=Fixed())
        engine.attach(root)

        def losses(count):
            with torch.enable_grad():
                yield from (root(rows).square().mean() * factor for _ in range(count))

        engine.use_losses(losses, lambda tensor: tensor / factor)
        engine.update(1.0)
        return root.state_dict()

    halves, whole = pruned(network, 0.5), pruned(both, 1.0)
    assert all(torch.equal(value, whole[name]) for name, value in halves.items())


@pytest.mark.parametrize("setting", ["num_gradients", "block_size", "damp", "memory"])
def test_settings_are_positive(setting):
    with pytest.raises(UserError, match=f"{setting} must be positive, got 0"):
        BlockFisher(**{setting: 0})


def test_where_it_cannot_be_used_the_error_says_where_it_can(network):
    with pytest.raises(UserError, match="under Reversible masks, got BlockFisher: use it in Round"):
        LayerEngine({"a": ["0"]}, BlockFisher(), Constant(0.5), masks=Reversible())
    with pytest.raises(UserError, match="losses must be set"):
        prune(network, 0.5, criterion=BlockFisher())
    with pytest.raises(UserError, match="needs gradients"):
        BlockFisher()(nn.Linear(2, 2).weight, 0.5)
