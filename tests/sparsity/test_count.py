import torch
from torch import nn

from lit_prune.sparsity.count import Count, by_target, count, denominator, total
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import FixedMask


def test_counts_are_exact_by_matrix_by_target_and_in_total():
    root = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 300), nn.Linear(300, 3))
    install(root, ["1", "0"], lambda name, weight: FixedMask(torch.arange(weight.numel()).view_as(weight) < 7))
    counts = count(root)
    assert counts == {"0": Count(7, 20), "1": Count(7, 1500)}
    assert total(counts.values()) == Count(14, 1520)
    assert total(counts.values()).sparsity == 1506 / 1520
    matched = {"query": ["1"], "pooler": ["0"]}
    assert by_target(counts, matched) == {"query": Count(7, 1500), "pooler": Count(7, 20)}
    assert denominator(root, matched) == "1,520 weights of 2 matrices (query, pooler)"


def test_sparsity_is_the_removed_fraction():
    assert Count(10, 100).sparsity == 0.9
    assert Count(100, 100).sparsity == 0.0
