"""Hybrid masks whose union has the density."""

import pytest
import torch

from lit_prune.sparsity.hybrid import submask_sparsity
from lit_prune.sparsity.masks import LearnedMask, TaskMasks, refresh


def pool_of(alike, num_tasks=3):
    """Masks of two matrices whose own scores are those for all, in part."""
    generator = torch.Generator().manual_seed(0)
    pool = []
    for shape in ((40, 60), (50, 30)):
        shared, *own = torch.randn(1 + num_tasks, *shape, generator=generator)
        own = {f"t{number}": LearnedMask(alike * shared + (1 - alike) * each) for number, each in enumerate(own)}
        pool.append(TaskMasks(own, LearnedMask(shared.clone())))
    return pool


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_tasks_keep_the_share_on_average(alike, sparsity):
    pool = pool_of(alike)
    own = submask_sparsity(pool, sparsity)
    assert sparsity - 1e-2 <= own <= 1 - (1 - sparsity) / 2 + 1e-2
    for part in pool[0].submasks:
        refresh([mask.submasks[part] for mask in pool], own)
    kept = sum(int(keep.sum()) for mask in pool for keep in mask.by_task.values()) / 3
    wanted = (1 - sparsity) * (40 * 60 + 50 * 30)
    assert 0.99 * wanted - 2 <= kept <= wanted + 1
    if sparsity == 0.0:
        assert own == 0.0
    if alike == 1.0:
        assert own == pytest.approx(sparsity, abs=1e-3)
