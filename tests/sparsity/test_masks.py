import copy
import pickle

import pytest
import torch

from lit_prune.sparsity.criteria import HardMagnitude, Magnitude
from lit_prune.sparsity.masks import FixedMask, LearnedMask, apply_mask, flipped, refresh
from lit_prune.sparsity.schedules import Rounds
from lit_prune.sparsity.select import keep_largest, num_kept


def weights():
    generator = torch.Generator().manual_seed(1)
    return {"a": torch.randn(20, 15, generator=generator), "b": 3 * torch.randn(7, 30, generator=generator)}


STARTS = {
    "soft": lambda weight: Magnitude()(weight, 0.0),
    "hard": lambda weight: HardMagnitude()(weight, 0.5),
    "equal": torch.ones_like,
    "zero": torch.zeros_like,
    "signed_zeros": lambda weight: 0 * weight,
    "rounded": lambda weight: weight.round(),
    "neighbours": lambda weight: 1 + (weight > 0) * 2**-23,
    "subnormal": lambda weight: (weight * 4).round() * 1e-45,
    "with_infinities": lambda weight: torch.where(weight > 1, torch.inf, weight),
}


def pools(masks, scope):
    return [list(masks.values())] if scope == "global" else [[mask] for mask in masks.values()]


def learned(start):
    return {name: LearnedMask(STARTS[start](weight)) for name, weight in weights().items()}


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("start", STARTS)
def test_refresh_keeps_exactly_what_selection_keeps(start, scope):
    masks = learned(start)
    for sparsity in (0.0, 0.3, 0.5, 0.9, 0.7):
        for pool in pools(masks, scope):
            scores = [mask.scores.detach().clone() for mask in pool]
            refresh(pool, sparsity)
            expected = keep_largest(scores, num_kept(sum(score.numel() for score in scores), sparsity))
            assert all(torch.equal(mask.keep, keep) for mask, keep in zip(pool, expected, strict=True))


@pytest.mark.parametrize("start", STARTS)
def test_refresh_again_changes_nothing(start):
    masks = learned(start)
    refresh(list(masks.values()), 0.6)
    before = copy.deepcopy(masks)
    refresh(list(masks.values()), 0.6)
    for name, mask in masks.items():
        assert torch.equal(mask.scores, before[name].scores)
        assert mask.threshold == before[name].threshold


@pytest.mark.parametrize("start", STARTS)
def test_masks_are_nested_over_rounds(start):
    masks = learned(start)
    schedule = Rounds(num_rounds=9, final=0.9)
    previous = {name: torch.ones_like(mask.keep) for name, mask in masks.items()}
    for done in range(9):
        for name, mask in masks.items():
            refresh([mask], schedule(done / 9))
            assert mask.keep.sum() == num_kept(mask.keep.numel(), (done + 1) / 10)
            assert not (mask.keep & ~previous[name]).any()
            previous[name] = mask.keep


def test_hard_initialisation_has_the_threshold_of_the_paper():
    masks = learned("hard")
    for mask in masks.values():
        refresh([mask], 0.5)
    assert all(mask.threshold == torch.tensor(0.01) for mask in masks.values())


def test_sparsity_zero_keeps_everything_again():
    mask = LearnedMask(torch.arange(10.0))
    refresh([mask], 0.5)
    refresh([mask], 0.0)
    assert mask.threshold == -torch.inf
    assert mask.keep.all()


def test_flipped_is_the_share_of_all_entries_that_changed_either_way():
    before = {"a": torch.tensor([True, False, True]), "b": torch.ones(1, 7, dtype=torch.bool)}
    after = {"b": torch.tensor([[True] * 6 + [False]]), "a": torch.tensor([False, True, True])}
    assert flipped(before, after) == 0.3
    assert flipped(before, before) == 0


@pytest.mark.parametrize("start", ["zero", "signed_zeros"])
def test_losers_of_a_tie_at_zero_survive_flushed_subnormals(start):
    masks = learned(start)
    for mask in masks.values():
        refresh([mask], 0.5)
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush subnormals")
    try:
        assert [int(mask.keep.sum()) for mask in masks.values()] == [150, 105]
    finally:
        torch.set_flush_denormal(False)


def test_a_fixed_mask_copies_and_a_learned_one_takes_over():
    scores, keep = torch.ones(3), torch.ones(3, dtype=torch.bool)
    learned_mask, fixed_mask = LearnedMask(scores), FixedMask(keep)
    keep.zero_()
    assert fixed_mask.keep.all()
    assert learned_mask.scores.data_ptr() == scores.data_ptr()


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keep_only(dtype):
    tensor = torch.tensor([1.0, 2.0, -3.0, 4.0, -5.0])
    mask = LearnedMask(torch.tensor([0.3, -1.0, 0.5, 0.3, float("inf")]))
    mask.threshold.fill_(0.3)
    assert mask.keep.tolist() == [False, False, True, False, True]
    for each in (mask, FixedMask(mask.keep)):
        value = apply_mask(tensor, *each.operands, out=torch.empty(5, dtype=dtype))
        assert value.dtype == dtype
        assert value.tolist() == [0, 0, -3, 0, -5]
        inside = tensor.clone()
        assert apply_mask(inside, *each.operands, out=inside) is inside
        assert inside.tolist() == [0, 0, -3, 0, -5]


def test_the_state_of_a_mask_travels():
    mask = LearnedMask(torch.arange(4.0))
    refresh([mask], 0.5)
    loaded = LearnedMask(torch.zeros(4))
    loaded.load_state_dict(mask.state_dict())
    for twin in (loaded, copy.deepcopy(mask), pickle.loads(pickle.dumps(mask))):
        assert torch.equal(twin.keep, torch.tensor([False, False, True, True]))
    assert set(mask.state_dict()) == {"scores", "threshold"}
    assert set(FixedMask(mask.keep).state_dict()) == {"keep"}
