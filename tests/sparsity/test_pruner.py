"""Pruning of any network in a loop of one's own, or at once."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.pruner import Pruner, prune
from lit_prune.sparsity.schedules import Constant, Linear


class Attention(nn.Module):
    """A Transformer, whose fast path reads the weights itself, after a convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 8, 3, padding=1)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.classifier = nn.Linear(8, 3)

    def forward(self, rows):
        return self.classifier(self.encoder(self.conv(rows.mT).mT).mean(1))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Attention()


@pytest.fixture
def rows():
    return torch.randn(32, 5, 4, generator=torch.Generator().manual_seed(1))


def train(model, rows, optimizer, pruner, num_steps=20):
    for step in range(1, num_steps + 1):
        F.cross_entropy(model(rows), rows[:, 0, :3].argmax(1)).backward()
        optimizer.step()
        optimizer.zero_grad()
        pruner.step(step, num_steps)


def weights(model):
    return [name for name, value in model.named_parameters() if value.ndim > 1 and not name.startswith("classifier")]


@pytest.mark.parametrize("criterion", ["magnitude", "movement", "random"])
def test_a_loop_of_ones_own_ends_at_the_sparsity_exactly(model, rows, criterion):
    keys = list(model.state_dict())
    pruner = Pruner(model, 0.9, criterion=criterion, skip=["classifier"])
    optimizer = torch.optim.AdamW([*model.parameters(), *pruner.score_parameters().values()], lr=1e-2)
    train(model, rows, optimizer, pruner)
    num_all = sum(keep.numel() for keep in pruner.masks().values())
    num_kept = sum(int(keep.sum()) for keep in pruner.masks().values())
    assert num_kept == num_all - int(0.9 * num_all + 1e-6)
    assert pruner.finalize() is model
    assert list(model.state_dict()) == keys
    assert sum(int(model.get_parameter(name).count_nonzero()) for name in weights(model)) == num_kept
    assert type(model.encoder.layers[0].self_attn) is nn.MultiheadAttention


def test_what_reads_weights_itself_computes_with_the_pruned_ones(model, rows):
    zeroed = copy.deepcopy(model)
    with Pruner(model, 0.5, schedule=Constant(0.5)) as pruner:
        pruner.step(1, 1)
        for name, keep in pruner.masks().items():
            zeroed.get_parameter(name).data.mul_(keep)
        for each in (model, zeroed):
            each.eval()
        with torch.inference_mode():  # the fast path of TransformerEncoder
            torch.testing.assert_close(model(rows), zeroed(rows), rtol=0, atol=0)


def test_as_a_context_it_undoes_itself(model):
    before = copy.deepcopy(model.state_dict())
    with Pruner(model, 0.5, schedule=Constant(0.5)) as pruner:
        pruner.step(1, 1)
        assert pruner.sparsity() == pytest.approx(0.5, abs=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_schedule_is_followed_by_optimizer_steps(model):
    pruner = Pruner(model, 0.8, schedule=Linear(0.0, 0.8, end=1.0), scope="local", targets=["encoder.*"])
    for step in (0, 5, 10):
        pruner.step(step, 10)
        assert pruner.sparsity() == pytest.approx(0.08 * step, abs=0.01)
    assert set(pruner.masks()) == {name for name in weights(model) if name.startswith("encoder.")}


def test_at_once_a_network_is_pruned_for_good(model):
    assert prune(model, 0.5, skip=["classifier"]) is model
    pruned = [model.get_parameter(name) for name in weights(model)]
    num_zeros = sum(each.numel() - int(each.count_nonzero()) for each in pruned)
    assert num_zeros == int(0.5 * sum(each.numel() for each in pruned) + 1e-6)
    assert not (model.classifier.weight == 0).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"criterion": "magnitud"}, "unknown criterion 'magnitud': choose from magnitude"),
        ({"schedule": Constant(0.4)}, r"schedule must end at sparsity=0\.5, got one that ends at 0\.4"),
        ({"scope": "layer"}, "unknown scope 'layer'"),
        ({"skip": ["pooler"]}, "skip must name parameters"),
    ],
)
def test_wrong_settings_are_errors(model, settings, message):
    with pytest.raises(UserError, match=message):
        Pruner(model, 0.5, **settings)


def test_scores_that_training_adds_up_cannot_prune_at_once(model):
    with pytest.raises(UserError, match="criterion must be one of the weights under Fixed masks, got Movement"):
        prune(model, 0.5, criterion="movement")


def test_finalized_it_keeps_its_masks_and_takes_no_step(model):
    pruner = Pruner(model, 0.5)
    pruner.step(1, 1)
    masks, sparsity = pruner.masks(), pruner.sparsity()
    pruner.finalize()
    assert pruner.sparsity() == sparsity > 0.4
    assert all(torch.equal(keep, masks[name]) for name, keep in pruner.masks().items())
    for again in (lambda: pruner.step(1, 1), pruner.finalize):
        with pytest.raises(UserError, match="must be on a network, got one that has let go of it: make a new one"):
            again()
    Pruner(model, 0.5)


def test_a_second_pruner_of_the_same_weights_is_an_error(model):
    first = Pruner(model, 0.5)
    with pytest.raises(UserError, match=r"weight must be under one pruner, got a second: finalize the first"):
        Pruner(model, 0.8)
    first.finalize()


def test_the_state_of_another_network_is_an_error(model):
    with pytest.raises(UserError, match=r"state must be of a pruner of this network, got .*: load its own"):
        Pruner(model, 0.5).load_state_dict(Pruner(nn.Linear(3, 3), 0.5).state_dict())


@pytest.mark.parametrize("other", [nn.LazyLinear(4), nn.Linear(4, 4, device="meta")], ids=["lazy", "meta"])
def test_weights_without_values_are_an_error(other):
    with pytest.raises(UserError, match="weight must have values to be masked, got none"):
        prune(nn.Sequential(other), 0.5)


def test_scores_of_a_layer_that_is_frozen_at_first_are_trained_once_it_is():
    frozen = nn.Linear(4, 4)
    frozen.weight.requires_grad_(False)
    pruner = Pruner(nn.Sequential(frozen, nn.Linear(4, 4)), 0.5, criterion="movement")
    assert not frozen.weight.requires_grad
    frozen.weight.requires_grad_(True)
    frozen(torch.ones(1, 4)).sum().backward()
    assert all(each.grad is not None for name, each in pruner.score_parameters().items() if name.startswith("0."))
