"""Selection by histograms, which GPUs do, keeps what the CPU's keeps by partitioning."""

import pytest
import torch

from lit_prune.sparsity.masks import LearnedMask, refresh
from lit_prune.sparsity.select import cut, keep_largest, keep_largest_of_shards

GENERATOR = torch.Generator().manual_seed(0)
SCORES = {
    "normal": [torch.randn(300, 70, generator=GENERATOR), torch.randn(5000, generator=GENERATOR)],
    "ties": [torch.randint(4, (200, 50), generator=GENERATOR).float(), torch.zeros(900)],
    "both zeros": [torch.tensor([0.0, -0.0, 1.0, -1.0] * 500), torch.full((300,), -0.0)],
    "infinities": [torch.tensor([torch.inf, -torch.inf, 0.5, 1e-42, -1e-42, 3e38] * 300)],
    "all negative": [-torch.rand(4000, generator=GENERATOR) - 1],
    "of one block": [1 + 1e-6 * torch.rand(5000, generator=GENERATOR)],
}


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_the_same_entries_are_kept(name, share, device):
    scores = SCORES[name]
    placed = [score.to(device) for score in scores]
    num_keep = max(1, int(share * sum(score.numel() for score in scores)))
    expected = cut(scores, num_keep)
    for keeps in (keep_largest(placed, num_keep), keep_largest_of_shards(placed, num_keep)):
        assert all(keep.device.type == device for keep in keeps)
        assert all(torch.equal(keep.cpu(), each) for keep, each in zip(keeps, expected.keeps, strict=True))
    found = cut(placed, num_keep)
    assert float(found.smallest_kept) == float(expected.smallest_kept)
    assert float(found.largest_pruned) == float(expected.largest_pruned)


@pytest.mark.parametrize("name", ["normal", "ties", "both zeros", "all negative", "of one block"])
def test_a_refresh_sets_the_same_threshold_and_mask(name, device):
    masks = {each: [LearnedMask(score.clone().to(each)) for score in SCORES[name]] for each in {"cpu", device}}
    for pool in masks.values():
        refresh(pool, 0.7)
    for one, other in zip(masks["cpu"], masks[device], strict=True):
        assert torch.equal(one.threshold, other.threshold.cpu())
        assert torch.equal(one.keep, other.keep.cpu())
        assert torch.equal(one.scores, other.scores.detach().cpu())
