"""Which entries are tuned."""

import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.tuning.select import select_entries


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(0)
    return {"a": torch.rand(20, 30, generator=generator), "b": torch.rand(7, generator=generator)}


@pytest.mark.parametrize("share", [0.0, 0.005, 0.1, 0.29, 1.0])
def test_of_each_tensor_the_share_is_the_largest(scores, share):
    for name, index in select_entries(scores, share, "tensor").items():
        num = round(share * 100) * scores[name].numel() // 100 if share >= 0.01 else int(share * scores[name].numel())
        expected = scores[name].flatten().topk(num).indices.sort().values
        assert torch.equal(index, expected)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_of_all_together_the_share_is_the_largest(scores, share):
    found = select_entries(scores, share, "global")
    flat = torch.cat([each.flatten() for each in scores.values()])
    expected = flat.topk(int(share * 607)).indices.sort().values
    assert torch.equal(torch.cat([found["a"], found["b"] + 600]), expected)


def test_no_share_and_no_scope_are_errors(scores):
    for share, scope, named in (
        (-0.1, "tensor", "share must be from 0 to 1, got -0.1"),
        (0.1, "layer", "unknown scope 'layer': choose from tensor, global"),
    ):
        with pytest.raises(UserError, match=named):
            select_entries(scores, share, scope)


@pytest.mark.parametrize("scope", ["tensor", "global"])
def test_what_may_not_be_tuned_is_none_of_the_entries(scores, scope):
    scores["a"][:10] = -torch.inf
    found = select_entries(scores, 0.5, scope)
    assert sum(len(index) for index in found.values()) == {"tensor": 150 + 3, "global": 153}[scope]
    assert (found["a"] >= 300).all()
    everything = select_entries(scores, 1.0, scope)
    assert torch.equal(everything["a"], torch.arange(300, 600))
    assert torch.equal(everything["b"], torch.arange(7))
