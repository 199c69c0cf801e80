"""All entries tuned under noise; the noise itself is tested with its parametrization."""

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.tuning.changes import MixedChange, ResetChange, ThinnedChange, changes_in
from lit_prune.tuning.noise import ChildTuningFree, Mixout


@pytest.fixture
def root():
    torch.manual_seed(0)
    return nn.ModuleDict({"encoder": nn.Linear(10, 20), "heads": nn.Linear(20, 2)})


@pytest.mark.parametrize(
    ("method", "kind"),
    [(Mixout(0.7), MixedChange), (Mixout(0.7, at="evaluation"), ResetChange), (ChildTuningFree(0.2), ThinnedChange)],
)
def test_all_is_trained_by_what_is_added_and_restored_alike(method, kind, root):
    method.begin(root, lambda num: iter(()), lambda own: own)
    changes = changes_in(root)
    assert changes.keys() == {"encoder.weight", "encoder.bias"}
    assert all(isinstance(each, kind) for each in changes.values())
    frozen = {name for name, value in root.named_parameters() if not value.requires_grad}
    assert frozen == {f"encoder.parametrizations.{name}.original" for name in ("weight", "bias")}
    fresh = nn.ModuleDict({"encoder": nn.Linear(10, 20), "heads": nn.Linear(20, 2)})
    method.restore(fresh, root.state_dict())
    fresh.load_state_dict(root.state_dict())


def test_each_evaluation_resets_other_entries_by_the_runs_seed(root):
    method = Mixout(0.5, at="evaluation")
    method.begin(root, lambda num: iter(()), lambda own: own)

    def drawn(seed, step):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        method.before_evaluation(root, step)
        assert torch.equal(torch.get_rng_state(), state)  # training goes on as without
        return torch.cat([each.stays.flatten() for each in changes_in(root).values()])

    first = drawn(1, 10)
    assert 0.3 < first.float().mean() < 0.7
    assert torch.equal(drawn(1, 10), first)
    assert not torch.equal(drawn(1, 20), first)
    assert not torch.equal(drawn(5, 10), first)


def test_the_settings_reach_the_parametrization(root):
    assert Mixout(0.7).change(torch.zeros(3)).probability == 0.7
    assert ChildTuningFree(0.2).change(torch.zeros(3)).reserved == 0.2


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Mixout(1.0), "probability must be at least 0 and below 1, got 1.0"),
        (lambda: ChildTuningFree(0.0), "reserved must be above 0 and at most 1, got 0.0"),
    ],
)
def test_a_wrong_setting_is_named(make, named):
    with pytest.raises(UserError, match=named):
        make()
