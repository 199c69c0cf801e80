"""Codes of what is kept, against NumPy."""

import numpy as np
import pytest

from lit_prune.export.coding import decode, encode, pack, unpack

SHAPES = [(1,), (7,), (8, 3), (64, 65), (256, 300)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("density", [0.0, 0.0005, 0.03, 0.1, 0.5, 0.97, 1.0])
def test_unpacking_gives_what_was_packed(shape, density):
    generator = np.random.default_rng(0)
    keep = generator.random(shape) < density
    values = generator.standard_normal(shape).astype(np.float16)
    code, kept = pack(keep, values)
    np.testing.assert_array_equal(decode(code, keep.size), keep.ravel())
    np.testing.assert_array_equal(unpack(code, kept, keep.size), np.where(keep, values, 0).ravel())
    assert code.nbytes <= 8 + (keep.size + 7) // 8  # never more than the bit mask


def test_sparse_codes_come_near_to_the_entropy():
    for density in (0.01, 0.03, 0.1, 0.3):
        keep = np.random.default_rng(0).random(10**6) < density
        entropy = -(density * np.log2(density) + (1 - density) * np.log2(1 - density)) / 8 * keep.size
        assert encode(keep).nbytes < 1.06 * entropy


def test_clustered_entries_take_less_than_scattered_ones():
    keep = np.zeros((100, 1000), dtype=bool)
    keep[40] = True
    assert encode(keep).nbytes < 8 + 1000 / 8 + 100 * 1000 / 8


def test_a_code_of_a_larger_array_is_an_error():
    with pytest.raises(ValueError, match="position"):
        decode(encode(np.ones(100, dtype=bool)), 50)
