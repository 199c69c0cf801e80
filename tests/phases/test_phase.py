"""The defaults of a phase."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.losses import CrossEntropy
from lit_prune.phases import FineTune, Phase, Training
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.install import current_masks
from lit_prune.sparsity.mask_kinds import Fixed
from lit_prune.sparsity.schedules import Constant


def test_a_phase_without_steps_is_an_error_unless_it_may_be_empty():
    first = FineTune(Training(steps=0))
    first.check("dense", {})
    for phase, before in ((Phase(Training(steps=0)), {}), (FineTune(Training(steps=0)), {"dense": first})):
        with pytest.raises(UserError, match="length of the phase 'last' must be above 0 steps, got 0"):
            phase.check("last", before)


def test_by_default_it_trains_with_cross_entropy_what_requires_a_gradient():
    network = nn.Linear(2, 2)
    network.bias.requires_grad_(False)
    phase = Phase(Training(length="2 epochs"))
    assert isinstance(phase.loss, CrossEntropy)
    assert phase.trained_names(network) == ["weight"]
    assert phase.num_steps(None, 10.0) == 20
    assert phase.batches(None) is None
    assert phase.penalty(None) is None
    assert phase.record(None) == {}
    assert phase.is_eligible(SimpleNamespace(progress=0.0))


def test_by_default_it_puts_back_the_masks_that_a_state_has():
    torch.manual_seed(0)
    network, other = (nn.Sequential(nn.Linear(4, 4)) for _ in range(2))
    pruner = LayerEngine({"all": ["0"]}, Magnitude(), Constant(0.5), masks=Fixed())
    pruner.attach(network)
    pruner.update(1.0)
    state = network.state_dict()
    Phase(Training(steps=1)).restore(other, state)
    other.load_state_dict(state)
    assert torch.equal(current_masks(other)["0.weight"], current_masks(network)["0.weight"])
