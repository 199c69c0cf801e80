import math
from functools import partial

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn
from torch.utils.data import DataLoader

from lit_prune.callbacks import Prune
from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import ScoreBudget, ScoreThreshold
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Magnitude, SoftMovement
from lit_prune.sparsity.schedules import Constant, Cubic

TARGETS = {"first": ["0"], "second": ["1"]}


def attached(criterion):
    torch.manual_seed(0)
    engine = LayerEngine(TARGETS, criterion, Constant(0.1), scope=ScoreThreshold())
    engine.attach(nn.Sequential(nn.Linear(12, 8), nn.Linear(8, 3)))
    for scores in engine.score_parameters().values():
        nn.init.normal_(scores)
    return engine


@pytest.mark.parametrize("progress", [0.0, 0.2, 0.3, 0.55, 0.9])
def test_the_penalty_and_its_gradient_against_the_formula(progress):
    """The mean over matrices, large or small, of the mean sigmoid; its weight is a cubic ramp."""
    engine = attached(SoftMovement(weight=40.0, start=0.2, end=0.8))
    penalty = engine.penalty(progress)
    scores = {name: value.detach().double().numpy() for name, value in engine.score_parameters().items()}
    sigmoids = {name: 1 / (1 + np.exp(-value)) for name, value in scores.items()}
    left = 1 - min(max(progress - 0.2, 0.0) / 0.6, 1.0)
    weight = 40 * (1 - left**3)
    assert penalty.item() == pytest.approx(weight * np.mean([each.mean() for each in sigmoids.values()]), rel=1e-5)
    penalty.backward()
    for name, parameter in engine.score_parameters().items():
        expected = weight / len(scores) * sigmoids[name] * (1 - sigmoids[name]) / sigmoids[name].size
        np.testing.assert_allclose(parameter.grad, expected, rtol=1e-4, atol=1e-9)


def test_scores_begin_at_zero_or_as_another_criterion_has_them():
    weight = torch.randn(3, 4)
    assert (SoftMovement()(weight, 0.5) == 0).all()
    assert torch.equal(SoftMovement(initial=Magnitude())(weight, 0.5), weight.abs())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weight": 0.0}, "weight of SoftMovement must be positive and finite, got 0.0"),
        ({"weight": math.inf}, "weight of SoftMovement must be positive and finite, got inf"),
        ({"start": 0.8, "end": 0.5}, "start and end of a ramp must be 0 <= start < end <= 1, got 0.8 and 0.5"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        SoftMovement(**settings)


class Own(LightningModule):
    """A module that is not of this package."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 2))

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self.net(batch), (batch.sum(-1) > 0).long())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def fitted(tmp_path, callback):
    torch.manual_seed(0)
    module = Own()
    options = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    options |= {"enable_checkpointing": False, "max_epochs": 4, "default_root_dir": tmp_path}
    Trainer(callbacks=[callback], **options).fit(module, DataLoader(torch.randn(320, 16), batch_size=16))
    return module


def density(module):
    weights = [layer.weight for layer in module.net if isinstance(layer, nn.Linear)]
    return sum(int(weight.count_nonzero()) for weight in weights) / sum(weight.numel() for weight in weights)


def soft(weight):
    return Prune(
        0.1,  # the last threshold
        criterion=SoftMovement(weight, end=0.8),
        schedule=Cubic(0.0, 0.1, end=0.8),
        scope=ScoreThreshold(),
        score_optimizer=partial(torch.optim.AdamW, lr=0.1, weight_decay=0.0),
    )


def test_a_larger_weight_prunes_more_of_any_module(tmp_path):
    densities = [density(fitted(tmp_path, soft(weight))) for weight in (1e-3, 3.0, 300.0)]
    assert densities == sorted(set(densities), reverse=True)
    assert densities[0] > 0.9
    assert densities[-1] < 0.2


def test_a_budget_of_scores_is_exact_in_any_module(tmp_path):
    scope, optimizer = ScoreBudget(is_global=True), partial(torch.optim.AdamW, lr=1.0, weight_decay=0.0)
    module = fitted(tmp_path, Prune(0.75, criterion=SoftMovement(1.0), scope=scope, score_optimizer=optimizer))
    assert density(module) == 0.25
    shares = [float(layer.weight.count_nonzero()) / layer.weight.numel() for layer in (module.net[0], module.net[2])]
    assert shares[0] != shares[1]
