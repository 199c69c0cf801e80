"""The pruning engine on networks of any kind, and what later criteria and structures need of it."""

import copy

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Criterion, Magnitude, Movement, Random
from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.mask_kinds import Fixed, Learned, PerTask
from lit_prune.sparsity.masks import gradient_of, module_of
from lit_prune.sparsity.schedules import Constant, Cubic
from lit_prune.sparsity.structures import Element, Rank

TARGETS = {"first": ["0"], "second": ["2"]}


def attached(network, criterion=None, schedule=None, **settings):
    pruner = LayerEngine(TARGETS, criterion or Magnitude(), schedule or Constant(0.5), **settings)
    pruner.attach(network)
    return pruner


@pytest.mark.parametrize("scope", ["local", "global", [["first", "second"]]])
@pytest.mark.parametrize("structure", [Element(), Rank()])
@pytest.mark.parametrize("masks", [None, Learned()])
def test_masks_have_exactly_the_scheduled_sparsity(network, scope, structure, masks):
    pruner = attached(network, schedule=Cubic(0.0, 0.5, end=1.0), scope=scope, structure=structure, masks=masks)
    assert pruner.update(0.0) == 0.0
    assert pruner.sparsity() == 0.0
    assert not pruner.is_final(0.5)
    flipped = pruner.update(1.0)
    assert pruner.is_final(1.0)
    assert flipped == pytest.approx(0.5)
    assert pruner.sparsity() == pytest.approx(0.5)
    if scope == "local":
        assert all(each.sparsity == 0.5 for each in pruner.counts().values())


def test_reversible_masks_follow_the_weights_and_fixed_ones_prune_for_good(network):
    fixed = copy.deepcopy(network)
    pruner, final = attached(network), attached(fixed, masks=Fixed())
    pruner.update(1.0)
    final.update(1.0)
    assert all(torch.equal(keep, final.masks()[name]) for name, keep in pruner.masks().items())
    for root in (network, fixed):
        with torch.no_grad():
            root[0].weight.copy_(10 - root[0].weight.abs())
    pruner.update(1.0)
    assert not torch.equal(pruner.masks()["0.weight"], final.masks()["0.weight"])
    before = final.masks()["0.weight"]
    final.update(1.0)
    assert torch.equal(final.masks()["0.weight"], before)


def test_finalized_it_is_plain_layers_that_compute_the_same(network, rows):
    for structure in (Element(), Rank()):
        plain = copy.deepcopy(network)
        pruner = attached(plain, structure=structure)
        pruner.update(1.0)
        expected = plain(rows)
        assert pruner.finalize() is plain
        assert [type(each) for each in plain] == [nn.Linear, nn.ReLU, nn.Linear]
        torch.testing.assert_close(plain(rows), expected)


def test_its_state_brings_the_masks_back(network):
    other = copy.deepcopy(network)
    pruner = attached(network, Movement(), masks=Learned())
    for parameter in pruner.score_parameters().values():
        nn.init.normal_(parameter)
    pruner.update(1.0)
    restored = attached(other, Movement(), masks=Learned())
    restored.load_state_dict(copy.deepcopy(pruner.state_dict()))
    assert all(torch.equal(keep, restored.masks()[name]) for name, keep in pruner.masks().items())
    assert restored.update(1.0) == 0.0


def test_its_state_brings_fixed_masks_and_the_criterion_back(network):
    other = copy.deepcopy(network)
    pruner = attached(network, Random(3), masks=Fixed())
    pruner.update(1.0)
    restored = attached(other, Random(4), masks=Fixed())
    restored.load_state_dict(copy.deepcopy(pruner.state_dict()))
    assert all(torch.equal(keep, restored.masks()[name]) for name, keep in pruner.masks().items())
    assert not other[0].weight[~pruner.masks()["0.weight"]].any()
    assert torch.equal(pruner.criterion(network[0].weight, 0.5), restored.criterion(network[0].weight, 0.5))


def test_two_pruners_on_a_network_know_their_own_layers_only(network):
    first, second = (LayerEngine({"own": [name]}, Magnitude(), Constant(0.5)) for name in ("0", "2"))
    for pruner in (first, second):
        pruner.attach(network)
        assert pruner.update(1.0) == 0.5
    first.finalize()
    assert (type(network[0]), type(network[2])) == (nn.Linear, MaskedLinear)
    assert second.sparsity() == 0.5


def test_what_masks_of_a_kind_do_not_use_is_an_error():
    for masks, message in ((Fixed(), "under Fixed masks, .* got Fisher"), (Learned(), "under Learned masks")):
        with pytest.raises(UserError, match=message):
            LayerEngine(TARGETS, Fisher(), Constant(0.5), masks=masks)
    with pytest.raises(UserError, match="structure must have no groups under learned masks, got Units"):
        LayerEngine(TARGETS, Movement(), Constant(0.5), structure=Units())


def test_scores_are_parameters_with_names_of_their_own(network):
    pruner = LayerEngine(TARGETS, Movement(), Constant(0.5), masks=PerTask(["a", "b"], "hybrid"))
    names = pruner.score_names()
    pruner.attach(network)
    assert list(pruner.score_parameters()) == names
    assert set(names) <= {name for name, _ in network.named_parameters()}
    assert attached(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))).score_parameters() == {}


# ---- criteria that need more than the weights, as test doubles -----------------------------------------------------


class Fisher(Criterion):
    """Squared gradients, summed over steps."""

    observes = True

    def __init__(self):
        self.sums = {}

    def observe(self, layers):
        for name, layer in layers.items():
            self.sums[name] = self.sums.get(name, 0) + gradient_of(layer) ** 2

    def __call__(self, weight, sparsity):
        return weight.detach().abs().float()

    def score(self, name, weight, sparsity):
        return self.sums.get(name, torch.zeros_like(weight)).float()


def test_a_criterion_collects_statistics_over_batches(network, rows):
    pruner = attached(network, Fisher())
    squares = torch.zeros_like(network[0].weight)
    for batch in rows.chunk(4):
        network.zero_grad()
        network(batch).square().mean().backward()
        pruner.observe()
        squares += network[0].weight.grad ** 2
    pruner.update(1.0)
    keep = pruner.masks()["0.weight"]
    assert float(squares[keep].min()) >= float(squares[~keep].max())


class Activation(Criterion):
    """|weight| times the norm of the input, by a hook on the layer."""

    def __init__(self):
        self.norms = {}

    def attach(self, layers):
        for name, layer in layers.items():
            module_of(layer).register_forward_pre_hook(
                lambda _, inputs, name=name: self.norms.update({name: inputs[0].norm(dim=0)})
            )

    def __call__(self, weight, sparsity):
        return weight.detach().abs().float()

    def score(self, name, weight, sparsity):
        return self(weight, sparsity) * self.norms[name].detach()


def test_a_criterion_reads_activations(network, rows):
    pruner = attached(network, Activation())
    rows[:, 0] = 0.0  # an input that is always 0 needs no weights
    network(rows)
    pruner.update(1.0)
    assert not pruner.masks()["0.weight"][:, 0].any()


class Soft(Movement):
    """A penalty on the scores (soft movement pruning)."""

    penalizes = True

    def penalty(self, layers, progress):
        return sum(layer.mask.scores.sigmoid().sum() for layer in layers.values())


def test_a_criterion_adds_a_penalty_to_the_loss(network):
    pruner = attached(network, Soft())
    before = {name: value.detach().clone() for name, value in pruner.score_parameters().items()}
    pruner.penalty(0.0).backward()
    torch.optim.SGD(pruner.score_parameters().values(), lr=1.0).step()
    assert all(bool((value < before[name]).all()) for name, value in pruner.score_parameters().items())
    assert attached(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4))).penalty(0.0) is None


class Compensated(Magnitude):
    """The kept weights of a row make up for the sum of the pruned ones (as OBS does for the loss)."""

    def correct(self, name, weight, keep):
        lost = weight.masked_fill(keep, 0).sum(1, keepdim=True)
        return torch.where(keep, weight + lost / keep.sum(1, keepdim=True).clamp(min=1), weight)


def test_a_criterion_corrects_the_remaining_weights(network):
    sums = network[0].weight.detach().sum(1)
    pruner = attached(network, Compensated())
    pruner.update(1.0)
    keep = pruner.masks()["0.weight"]
    rows = keep.any(1)
    torch.testing.assert_close((network[0].weight.detach() * keep).sum(1)[rows], sums[rows])


class Units(Element):
    """Hidden units: a row of the first matrix and a column of the second."""

    def groups(self, shapes):
        return [{"0": (slice(unit, unit + 1),), "2": (slice(None), slice(unit, unit + 1))} for unit in range(8)]


@pytest.mark.parametrize("masks", [None, Fixed()])
def test_groups_that_span_matrices_are_pruned_whole(network, masks):
    pruner = attached(network, structure=Units(), scope="global", masks=masks)
    pruner.update(1.0)
    keep = pruner.masks()
    kept_units = keep["0.weight"].all(1)
    assert int(kept_units.sum()) == 4
    assert torch.equal(keep["0.weight"].any(1), kept_units)
    assert torch.equal(keep["2.weight"], kept_units.expand(4, 8))
