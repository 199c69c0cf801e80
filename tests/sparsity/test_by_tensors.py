"""Masks on the tensors of a network, beside masked layers: the same training, in modules that stay as they are."""

import copy
import gc
import weakref

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.optim.optimizer import register_optimizer_step_pre_hook

from lit_prune.errors import UserError
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.by_tensors import TensorEngine
from lit_prune.sparsity.criteria import Magnitude, Movement, RelativeMagnitude
from lit_prune.sparsity.mask_kinds import Fixed
from lit_prune.sparsity.masks import gradient_of
from lit_prune.sparsity.pruned_training import PrunedTraining
from lit_prune.sparsity.pruner import Pruner
from lit_prune.sparsity.schedules import Constant, Cubic

LAYERS = {"first": ["0"], "second": ["2"]}
TENSORS = {"first": ["0.weight"], "second": ["2.weight"]}


class Fisher(Magnitude):
    """Squared gradients times squared weights, a running mean."""

    observes = True

    def __init__(self):
        self.means = {}

    def observe(self, layers):
        for name, layer in layers.items():
            loss_change = (gradient_of(layer) * layer.masked.detach()) ** 2
            self.means[name] = 0.9 * self.means.get(name, 0) + 0.1 * loss_change

    def score(self, name, weight, sparsity):
        return self.means[name] if name in self.means else self(weight, sparsity)


class Soft(Movement):
    """Movement with a penalty on the scores."""

    penalizes = True

    def penalty(self, layers, progress):
        return 0.1 * sum(layer.mask.scores.sigmoid().sum() for layer in layers.values())


class Lasso(Magnitude):
    """Magnitude with a penalty on the dense weights."""

    penalizes = True

    def penalty(self, layers, progress):
        return 0.1 * sum(layer.masked.norm(dim=1).sum() for layer in layers.values())


class SoftLasso(Soft):
    """Movement with a penalty on scores and weights."""

    def penalty(self, layers, progress):
        return super().penalty(layers, progress) + Lasso.penalty(self, layers, progress)


def trained(network, engine, rows, optimizer, num_steps=20, accumulate=1):
    """Train under an engine with an optimizer of the scores of its own, as a loop of a user's would.

    A phase of the package gives a `LayerEngine` the gradients, and adds its penalty to the loss.
    """
    is_by_layers = isinstance(engine, LayerEngine)
    engine.attach(network)
    scores = list(engine.score_parameters().values())
    own = {id(each) for each in scores}
    chosen = optimizer([each for each in network.parameters() if id(each) not in own])
    of_scores = torch.optim.SGD(scores, lr=2.0) if scores else None
    engine.update(0.0)
    for step in range(num_steps):
        for part in rows.chunk(accumulate):
            loss = F.cross_entropy(network(part), part[:, :4].argmax(1))
            if is_by_layers and (penalty := engine.penalty(0.0)) is not None:
                loss = loss + penalty
            (loss / accumulate).backward()
        if is_by_layers:
            engine.observe()
        chosen.step()
        if of_scores is not None:
            of_scores.step()
            of_scores.zero_grad()
        chosen.zero_grad()
        engine.update((step + 1) / num_steps)
    return engine


OPTIMIZERS = {
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.1),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("criterion", [Magnitude, Movement, RelativeMagnitude, Fisher, Soft, Lasso, SoftLasso])
@pytest.mark.parametrize("accumulate", [1, 4])
def test_it_trains_the_same_weights_and_masks_as_masked_layers(network, rows, optimizer, scope, criterion, accumulate):
    other = copy.deepcopy(network)
    schedule = Cubic(0.0, 0.6, end=1.0)
    by_layers = LayerEngine(LAYERS, criterion(), schedule, scope=scope)
    by_tensors = TensorEngine(TENSORS, criterion(), schedule, scope=scope)
    trained(network, by_layers, rows, OPTIMIZERS[optimizer], accumulate=accumulate)
    trained(other, by_tensors, rows, OPTIMIZERS[optimizer], accumulate=accumulate)
    assert by_tensors.num_steps == 20
    assert by_tensors.sparsity() == pytest.approx(0.6, abs=0.02)
    assert by_layers.masks().keys() == by_tensors.masks().keys()
    assert all(torch.equal(keep, by_tensors.masks()[name]) for name, keep in by_layers.masks().items())
    for name, value in by_layers.finalize().state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("criterion", [Movement, Fisher, Soft, Lasso, SoftLasso])
def test_a_pruned_training_trains_the_same_too(network, rows, criterion):
    other = copy.deepcopy(network)
    schedule = Cubic(0.0, 0.6, end=1.0)
    by_layers = LayerEngine(LAYERS, criterion(), schedule, scope="global")
    trained(network, by_layers, rows, OPTIMIZERS["AdamW"])
    pruner = Pruner(other, 0.6, criterion=criterion(), schedule=schedule)
    training = PrunedTraining(pruner, lambda scores: torch.optim.SGD(scores, lr=2.0))
    optimizer = OPTIMIZERS["AdamW"](other.parameters())
    training.begin(20, [optimizer], lambda scores: None)
    for _ in range(20):
        F.cross_entropy(other(rows), rows[:, :4].argmax(1)).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert all(torch.equal(keep, pruner.masks()[name]) for name, keep in by_layers.masks().items())
    for name, value in by_layers.finalize().state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, rtol=0, atol=1e-6)


def test_a_criterion_observes_what_has_a_gradient_and_is_trained(network, rows):
    engine = TensorEngine(TENSORS, Fisher(), Constant(0.5))
    engine.attach(network)
    network[0](rows).square().mean().backward()  # the second layer takes no part
    torch.optim.SGD(network[2].parameters(), lr=0.1).step()
    assert engine.criterion.means == {}
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    assert engine.criterion.means.keys() == {"0.weight"}


@pytest.mark.parametrize("criterion", [Soft, Lasso])
def test_a_penalty_is_in_the_gradients_once_whichever_optimizers_train(network, rows, criterion):
    gradients = {}
    for num_optimizers in (0, 1, 2):
        root = copy.deepcopy(network)
        engine = TensorEngine(TENSORS, criterion(), Constant(0.5))
        engine.attach(root)
        scores, weights = list(engine.score_parameters().values()), list(root.parameters())
        groups = {0: [], 1: [weights + scores], 2: [scores, weights]}[num_optimizers]
        root(rows).square().mean().backward()
        for group in filter(None, groups):
            torch.optim.SGD(group, lr=0.0).step()
        gradients[num_optimizers] = [each.grad for each in (*weights, *scores)]
    pairs = [*zip(gradients[1], gradients[2], strict=True)]
    assert all(torch.equal(one, two) for one, two in pairs)
    assert any(not torch.equal(none, one) for none, one in zip(gradients[0], gradients[1], strict=True))


def test_between_steps_a_parameter_has_the_kept_values_and_zeros(network, rows):
    engine = trained(network, TensorEngine(TENSORS, Magnitude(), Constant(0.5)), rows, OPTIMIZERS["AdamW"])
    dense = copy.deepcopy(network)
    for name, keep in engine.masks().items():
        assert torch.equal(network.get_parameter(name) != 0, keep)
        dense.get_parameter(name).data.mul_(keep)
    torch.testing.assert_close(network(rows), dense(rows), rtol=0, atol=0)


def test_undone_it_has_the_values_that_pruned_entries_would_return_with(network):
    before = copy.deepcopy(network.state_dict())
    engine = TensorEngine(TENSORS, Magnitude(), Constant(0.5))
    engine.attach(network)
    engine.update(1.0)
    assert not torch.equal(network[0].weight, before["0.weight"])
    assert engine.undo() is network
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    trained_alone = torch.optim.SGD(network.parameters(), lr=0.1)
    network(torch.ones(1, 6)).sum().backward()
    trained_alone.step()  # no hook is left
    assert bool((network[0].weight.grad != 0).any())


def test_a_network_may_be_dropped_while_an_optimizer_steps(network, rows):
    dropped = copy.deepcopy(network)
    engine = TensorEngine(TENSORS, Magnitude(), Constant(0.5))
    engine.attach(dropped)
    alive = weakref.ref(engine)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    first = register_optimizer_step_pre_hook(lambda *_: gc.collect() and None)
    try:
        del engine, dropped
        network(rows).sum().backward()
        optimizer.step()
    finally:
        first.remove()
    assert alive() is None


def test_finalized_its_zeros_stay_whatever_is_trained_after(network, rows):
    engine = TensorEngine(TENSORS, Magnitude(), Constant(0.5))
    engine.attach(network)
    engine.update(1.0)
    masks = engine.masks()
    assert engine.finalize() is network
    assert all(torch.equal(network.get_parameter(name) != 0, keep) for name, keep in masks.items())


@pytest.mark.parametrize("criterion", [Magnitude, Movement])
@pytest.mark.parametrize("fixed", [False, True])
def test_its_state_and_the_weights_continue_bit_for_bit(network, rows, criterion, fixed):
    def engine():
        masks = Fixed() if fixed and criterion is Magnitude else None
        return TensorEngine(TENSORS, criterion(), Constant(0.5), masks=masks)

    whole = copy.deepcopy(network)
    settings = {"optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.1)}
    first = trained(network, engine(), rows, **settings, num_steps=4)
    masks = first.masks()
    weights, state = copy.deepcopy(network.state_dict()), copy.deepcopy(first.state_dict())
    first.finalize()
    resumed = copy.deepcopy(whole)
    second = engine()
    second.attach(resumed)
    resumed.load_state_dict(weights)
    second.load_state_dict(state)
    assert second.num_steps == 4
    assert all(torch.equal(keep, second.masks()[name]) for name, keep in masks.items())
    assert all(torch.equal(value, weights[name]) for name, value in resumed.state_dict().items())
    assert {name: each.masked.tolist() for name, each in second.layers.items()} == {
        name: (weights[name] + state[f"{name}.hidden"]).tolist() for name in second.layers
    }


def test_a_shard_is_an_error(network):
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        fully_shard(network, mesh=init_device_mesh("cpu", (1,)))
        with pytest.raises(UserError, match=r"0\.weight must be a whole tensor to be masked, got a shard \(FSDP2\)"):
            TensorEngine(TENSORS, Magnitude(), Constant(0.5)).attach(network)
    finally:
        dist.destroy_process_group()


def test_a_closure_computes_gradients_under_the_masks(network, rows):
    engine = TensorEngine(TENSORS, Magnitude(), Constant(0.5))
    engine.attach(network)
    engine.update(1.0)
    seen = []

    def closure():
        seen.append(float((network[0].weight == 0).float().mean()))
        loss = network(rows).square().mean()
        loss.backward()
        return loss

    torch.optim.LBFGS(network.parameters(), max_iter=3).step(closure)
    assert len(seen) > 1
    assert set(seen) == {0.5}
    assert float((network[0].weight == 0).float().mean()) == 0.5


def test_what_something_else_puts_into_the_parameters_is_masked_again(network):
    engine = TensorEngine(TENSORS, Magnitude(), Constant(0.5))
    engine.attach(network)
    engine.update(1.0)
    nn.init.ones_(network[0].weight)
    engine.mask_again()
    assert torch.equal(network[0].weight != 0, engine.masks()["0.weight"])
