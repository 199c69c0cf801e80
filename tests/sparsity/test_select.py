import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.sparsity.select import keep_largest, keep_largest_of_shards, num_kept


def pools():
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(37, 11, generator=generator)
    return {
        "normal": [normal, torch.randn(5, generator=generator)],
        "ties": [normal.round(), (normal * 2).round()],
        "constant": [torch.full((8, 3), 0.25)],
        "two_values": [torch.where(normal > 0, 0.02, 0.0)],
        "signed_zeros": [torch.tensor([0.0, -0.0, -0.0, 0.0, 1.0, -1.0, -0.0])],
        "negative": [-normal.abs() - 1, -normal.abs()],
        "neighbours": [torch.tensor([1.0, 1.0 + 2**-23, 1.0 - 2**-24, 1.0]), torch.tensor([-1.0, -1.0 - 2**-23])],
        "range": [torch.tensor([0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, math.inf, -math.inf, 1e-38])],
        "transposed": [normal.T, normal[:, ::2]],
        "one": [torch.tensor(3.0)],
        "empty_part": [torch.empty(0, 4), torch.arange(6.0)],
    }


def stable(scores, num_keep):
    """Whether each entry of all tensors in a row is among the largest, by a stable sort."""
    flat = np.concatenate([score.numpy().ravel() for score in scores])
    keep = np.zeros(flat.size, bool)
    keep[np.argsort(-flat, kind="stable")[:num_keep]] = True
    return keep


def in_a_row(masks):
    return np.concatenate([mask.numpy().ravel() for mask in masks])


@pytest.mark.parametrize("name", pools())
@pytest.mark.parametrize("select", [keep_largest, keep_largest_of_shards])
def test_selection_against_a_stable_sort(name, select):
    scores = pools()[name]
    total = sum(score.numel() for score in scores)
    for num_keep in sorted({1, total, *range(1, total + 1, max(1, total // 29))}):
        masks = select(scores, num_keep)
        assert [mask.shape for mask in masks] == [score.shape for score in scores]
        np.testing.assert_array_equal(in_a_row(masks), stable(scores, num_keep))


@pytest.mark.parametrize("num_keep", [1, 150_000, 1_499_999, 2_999_999, 3_000_000])
@pytest.mark.parametrize("order", ["random", "sorted", "periodic", "few_values"])
def test_a_sample_may_mislead_but_not_deceive(order, num_keep):
    """Pools above a million are bracketed by every n-th entry: here also by the most unlike the rest."""
    scores = torch.rand(3_000_000, generator=torch.Generator().manual_seed(0))
    if order == "sorted":
        scores = scores.sort().values
    elif order == "periodic":
        scores[::2] += 1  # the sample sees only these
    elif order == "few_values":
        scores = scores.mul(3).floor()
    masks = keep_largest([scores[:1_000_000], scores[1_000_000:]], num_keep)
    np.testing.assert_array_equal(in_a_row(masks), stable([scores], num_keep))


@pytest.mark.parametrize("name", pools())
def test_processes_that_share_a_pool_keep_what_one_would(name):
    """Each process runs in a thread of its own; a barrier is the all-reduce."""
    scores = pools()[name] + pools()["ties"]
    shards = [scores[:1], scores[1:2], scores[2:]]
    total = sum(score.numel() for score in scores)
    for num_keep in (1, total // 3, total // 2, total):
        shared, barrier = {}, Barrier(len(shards))

        def process(rank, num_keep=num_keep, shared=shared, barrier=barrier):
            def add_up(own):
                shared[rank] = own
                barrier.wait()
                result = sum(shared.values())
                barrier.wait()
                return result

            return keep_largest_of_shards(shards[rank], num_keep, rank, len(shards), add_up)

        with ThreadPoolExecutor(len(shards)) as pool:
            masks = [mask for each in pool.map(process, range(len(shards))) for mask in each]
        np.testing.assert_array_equal(in_a_row(masks), stable(scores, num_keep))


def test_keep_largest_rejects_what_has_no_order():
    with pytest.raises(UserError, match="NaN"):
        keep_largest([torch.tensor([1.0, math.nan])], 1)
    with pytest.raises(UserError, match="bfloat16"):
        keep_largest([torch.ones(3, dtype=torch.bfloat16)], 1)


@pytest.mark.parametrize(
    ("total", "sparsity", "expected"),
    [(100, 0.29, 71), (10, 0.0, 10), (10, 0.05, 10), (3, 0.5, 2), (85_524_480, 0.9, 8_552_448), (7, 0.999999999999, 1)],
)
def test_num_kept(total, sparsity, expected):
    assert num_kept(total, sparsity) == expected


def test_num_kept_of_every_percentage_is_exact():
    for total in (100, 2_359_296 * 100):
        assert [num_kept(total, percent / 100) for percent in range(100)] == [
            total - total * percent // 100 for percent in range(100)
        ]


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 1.5, math.nan])
def test_num_kept_rejects_what_is_no_removable_fraction(sparsity):
    with pytest.raises(UserError, match=str(sparsity)):
        num_kept(10, sparsity)
