"""What any allocation has: engines of all kinds of masks that follow it exactly, and settings that it rejects."""

from typing import ClassVar

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import Allocation, ScoreBudget
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Magnitude, Movement
from lit_prune.sparsity.mask_kinds import Fixed, Learned, PerTask, Reversible
from lit_prune.sparsity.pools import allot, pools
from lit_prune.sparsity.schedules import Linear
from lit_prune.sparsity.structures import Structure

TARGETS = {"first": ["0", "2"], "second": ["1"]}


class Halves(Allocation):
    """Half of the scheduled sparsity in the first matrix of a pool, all of it in the others."""

    def pools(self, matched):
        return [list(names) for names in matched.values()]

    def sparsities(self, scores, level):
        return {name: level if number else level / 2 for number, name in enumerate(scores)}


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 20), nn.Linear(20, 30), nn.Linear(30, 20))


@pytest.mark.parametrize("kind", [Reversible(), Learned(), Fixed(), PerTask(["a", "b"], "separate")])
def test_every_kind_of_masks_follows_an_allocation(kind):
    root = network()
    engine = LayerEngine(TARGETS, Magnitude(), Linear(0.0, 0.5, end=1.0), scope=Halves(), masks=kind)
    engine.attach(root)
    for progress in (0.4, 1.0):
        engine.update(progress)
        found = {name: 1 - float(layer.mask.keep.float().mean()) for name, layer in engine.layers.items()}
        assert found == pytest.approx({"0": progress / 4, "2": progress / 2, "1": progress / 4}, abs=1e-6)


def test_an_allocation_divides_a_pool_that_others_leave_whole():
    scores = {"0": torch.zeros(3), "2": torch.zeros(3)}
    assert pools(Halves(), TARGETS) == [["0", "2"], ["1"]]
    assert allot(Halves(), scores, 0.5) == [(["0"], 0.25), (["2"], 0.5)]
    assert allot("global", scores, 0.5) == [(["0", "2"], 0.5)]


class Rows(Structure):
    """Whole rows."""

    names: ClassVar[list[str]] = []

    def __call__(self, linear, make_mask):
        raise NotImplementedError

    def groups(self, shapes):
        return [{name: (slice(row, row + 1),)} for name, shape in shapes.items() for row in range(shape[0])]


@pytest.mark.parametrize(
    "settings",
    [
        {"criterion": Magnitude(), "structure": Rows()},
        {"criterion": Movement(), "masks": PerTask(["a", "b"], "hybrid_rescaled")},
    ],
)
def test_groups_and_rescaled_masks_have_no_sparsity_of_a_matrix(settings):
    with pytest.raises(UserError, match=r"scope must be local, global or lists of targets .*, got ScoreBudget"):
        LayerEngine(TARGETS, schedule=Linear(0.0, 0.5), scope=ScoreBudget(), **settings)
