"""Pruning matrices at once, against torch's own and over rounds."""

import pytest
import torch
from torch import nn
from torch.nn.utils.prune import L1Unstructured, global_unstructured, l1_unstructured

from lit_prune.sparsity.criteria import Magnitude, Random
from lit_prune.sparsity.prune import keep_further, keep_largest_of
from lit_prune.sparsity.structures import Element, Structure

POOLS = {"local": [["a"], ["b"]], "global": [["a", "b"]]}


def layers():
    torch.manual_seed(0)
    return {"a": nn.Linear(10, 20), "b": nn.Linear(20, 7)}


@pytest.mark.parametrize("scope", ["local", "global"])
def test_magnitude_is_what_torch_prunes(scope):
    scores = {name: Magnitude()(each.weight, 0.3) for name, each in layers().items()}
    keeps = keep_further(scores, {}, 0.3, POOLS[scope], Element(), scope)
    theirs = layers()
    if scope == "global":
        global_unstructured([(each, "weight") for each in theirs.values()], L1Unstructured, amount=0.3)
    else:
        for each in theirs.values():
            l1_unstructured(each, "weight", amount=0.3)
    for name, each in theirs.items():
        assert torch.equal(keeps[name], each.weight_mask.bool())


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("criterion", [Magnitude(), Random(0)])
def test_what_is_pruned_stays_pruned(scope, criterion):
    kept = {}
    for sparsity in (0.0, 0.25, 0.5, 0.9):
        weights = {name: torch.randn_like(each.weight) for name, each in layers().items()}  # trained meanwhile
        scores = {name: criterion(weight, sparsity) for name, weight in weights.items()}
        keeps = keep_further(scores, kept, sparsity, POOLS[scope], Element(), scope)
        assert all(bool((keeps[name] <= keep).all()) for name, keep in kept.items())
        counts = [int(keep.sum()) for keep in keeps.values()]
        if scope == "local":
            assert counts == [200 - int(200 * sparsity), 140 - int(140 * sparsity + 1e-6)]
        assert sum(counts) == 340 - int(340 * sparsity + 1e-6)
        kept = keeps


class Rows(Structure):
    """Row i of one matrix with column i of the next."""

    def __call__(self, linear, make_mask):
        raise NotImplementedError

    def groups(self, shapes):
        return [{"a": (slice(row, row + 1),), "b": (slice(None), slice(row, row + 1))} for row in range(shapes["a"][0])]


def test_groups_that_span_matrices_are_kept_or_pruned_whole():
    scores = {"a": torch.zeros(3, 2), "b": torch.zeros(2, 3)}
    scores["a"][0], scores["b"][:, 2] = 1.0, 5.0  # sums 2, 0, 10
    keeps = keep_largest_of(scores, 0.5, Rows())
    assert keeps["a"].all(1).tolist() == [True, False, True]
    assert torch.equal(keeps["b"], keeps["a"].all(1).expand(2, 3))
