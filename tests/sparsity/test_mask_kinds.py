"""The kinds of masks: what each has for parameters, and where it starts."""

import pytest
import torch
from torch import nn

from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import HardMagnitude, Magnitude, Movement
from lit_prune.sparsity.mask_kinds import Fixed, Learned, PerTask, Reversible
from lit_prune.sparsity.masks import FixedMask, LearnedMask, ReversibleMask, TaskMasks
from lit_prune.sparsity.schedules import Constant

TARGETS = {"only": ["0"]}


@pytest.mark.parametrize(
    ("kind", "mask", "names"),
    [
        (Reversible(), ReversibleMask, []),
        (Learned(), LearnedMask, ["0.mask.scores"]),
        (PerTask(["a"], "separate"), TaskMasks, ["0.mask.own.a.scores"]),
        (
            PerTask(["a", "b"], "hybrid"),
            TaskMasks,
            ["0.mask.own.a.scores", "0.mask.own.b.scores", "0.mask.shared.scores"],
        ),
        (Fixed(), FixedMask, []),
    ],
)
def test_each_kind_has_its_masks_and_parameters(kind, mask, names):
    network = nn.Sequential(nn.Linear(5, 4))
    pruner = LayerEngine(TARGETS, Magnitude(), Constant(0.5), masks=kind)
    pruner.attach(network)
    pruner.update(1.0)
    assert type(network[0].mask) is mask
    assert pruner.score_names() == names


def test_the_criterion_decides_where_no_kind_is_named():
    assert isinstance(LayerEngine(TARGETS, Movement(), Constant(0.5)).mask_kind, Learned)
    assert isinstance(LayerEngine(TARGETS, Magnitude(), Constant(0.5)).mask_kind, Reversible)


def test_scores_start_at_the_criterion_for_the_first_sparsity():
    network = nn.Sequential(nn.Linear(5, 4))
    LayerEngine(TARGETS, HardMagnitude(), Constant(0.25), masks=Learned()).attach(network)
    assert int((network[0].mask.scores > 0).sum()) == 15


@pytest.mark.parametrize(("kind", "share"), [("hybrid", 0.5), ("hybrid_rescaled", 0.25)])
def test_rescaled_hybrid_masks_keep_the_scheduled_share_of_their_union(kind, share):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 64))
    pruner = LayerEngine(TARGETS, Movement(), Constant(0.75), masks=PerTask(["a"], kind))
    pruner.attach(network)
    for scores in pruner.score_parameters().values():
        nn.init.normal_(scores)
    pruner.update(1.0)
    kept = float(network[0].mask.keep.float().mean())
    assert kept == pytest.approx(share, abs=0.07)
