import math

import numpy as np
import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.sparsity.select import keep_largest, kth_largest, kth_largest_by_histogram, num_kept


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


@pytest.mark.parametrize("name", pools())
@pytest.mark.parametrize("find", [kth_largest, kth_largest_by_histogram])
def test_kth_largest_against_sorting(name, find):
    tensors = pools()[name]
    order = np.sort(np.concatenate([tensor.numpy().ravel() for tensor in tensors]))[::-1]
    for k in sorted({1, 2, order.size // 3, order.size // 2, order.size - 1, order.size} - {0, -1}):
        if k > order.size:
            continue
        found = find(tensors, k)
        assert found.shape == ()
        assert found.dtype == torch.float32
        assert found.item() == order[k - 1]


@pytest.mark.parametrize("name", pools())
def test_keep_largest_against_a_stable_sort(name):
    scores = pools()[name]
    flat = np.concatenate([score.numpy().ravel() for score in scores])
    order = np.argsort(-flat, kind="stable")
    for num_keep in range(1, flat.size + 1, max(1, flat.size // 29)):
        masks = keep_largest(scores, num_keep)
        expected = np.zeros(flat.size, bool)
        expected[order[:num_keep]] = True
        assert [mask.shape for mask in masks] == [score.shape for score in scores]
        np.testing.assert_array_equal(np.concatenate([mask.numpy().ravel() for mask in masks]), expected)


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
