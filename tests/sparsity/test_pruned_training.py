"""Pruning in a loop whose loss is scaled, as for float16: skipped steps, and optimizers that unscale by themselves."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.amp import GradScaler

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Movement
from lit_prune.sparsity.pruned_training import PrunedTraining, check_interval, unscale
from lit_prune.sparsity.pruner import Pruner

NUM_STEPS = 12


class Penalized(Movement):
    """Movement with a penalty."""

    penalizes = True

    def penalty(self, layers, progress):
        return sum(layer.mask.scores.sigmoid().sum() + layer.masked.square().sum() for layer in layers.values())


def train(network, rows, criterion, scaler=None, fused=False, weight=1.0):
    """Train by a weighted loss under a scaler."""
    training = PrunedTraining(Pruner(network, 0.5, criterion=criterion))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, fused=fused)
    training.begin(NUM_STEPS, [optimizer], lambda scores: unscale(scores, scaler))
    scaler = scaler or GradScaler("cpu", enabled=False)
    for _ in range(NUM_STEPS):
        scaler.scale(F.cross_entropy(network(rows), rows[:, :4].argmax(1)) * weight).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        training.skip_step()
    return training


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("criterion", [Movement, Penalized])
def test_scores_and_masks_are_those_of_a_loss_that_is_not_scaled(network, rows, criterion, fused):
    other = copy.deepcopy(network)
    plain = train(network, rows, criterion()).pruner
    scaled = train(other, rows, criterion(), GradScaler("cpu", init_scale=1024.0), fused).pruner
    assert all(torch.equal(keep, scaled.masks()[name]) for name, keep in plain.masks().items())
    for name, scores in plain.score_parameters().items():
        torch.testing.assert_close(scaled.score_parameters()[name], scores, rtol=0, atol=1e-6)
    for name, value in network.named_parameters():
        torch.testing.assert_close(other.get_parameter(name), value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("criterion", [Movement, Penalized])
def test_a_step_whose_gradients_overflow_changes_nothing(network, rows, criterion, fused):
    scaler = GradScaler("cpu", init_scale=2.0**127, backoff_factor=2.0**-60)
    training = train(network, rows, criterion(), scaler, fused, weight=1e4)
    assert scaler.get_scale() < 2.0**127
    assert training.engine.num_steps == NUM_STEPS - 1
    assert all(bool(scores.isfinite().all()) for scores in training.pruner.score_parameters().values())
    assert training.pruner.sparsity() == pytest.approx(0.5, abs=0.01)


def test_the_interval_of_updates_is_checked():
    with pytest.raises(UserError, match="every_n_steps must be positive, got 0"):
        check_interval(0)
