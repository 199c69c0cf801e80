import numpy as np
import pytest

from lit_prune.sparsity.overlap import overlap


def of_masks(one, other):
    """The overlap of bool masks, a list of matrices each."""
    both = [int((a & b).sum()) for a, b in zip(one, other, strict=True)]
    kept = [[int(matrix.sum()) for matrix in mask] for mask in (one, other)]
    return overlap(np.array(both), *map(np.array, kept), np.array([matrix.size for matrix in one]))


def test_it_is_intersection_over_union_over_all_matrices():
    generator = np.random.default_rng(0)
    one, other = ([generator.random(size) < share for size in (70, 30)] for share in (0.3, 0.6))
    shared = sum((a & b).sum() for a, b in zip(one, other, strict=True))
    either = sum((a | b).sum() for a, b in zip(one, other, strict=True))
    assert of_masks(one, other)[0] == pytest.approx(shared / either)


def test_chance_is_what_random_masks_of_the_same_densities_share():
    generator = np.random.default_rng(0)
    found, by_chance = zip(
        *(
            of_masks(
                [generator.permutation(1000) < 900, generator.permutation(3000) < 300],
                [generator.permutation(1000) < 500, generator.permutation(3000) < 300],
            )
            for _ in range(200)
        ),
        strict=True,
    )
    assert np.ptp(by_chance) < 1e-12
    assert np.mean(found) == pytest.approx(by_chance[0], abs=4 * np.std(found) / np.sqrt(len(found)))
    pooled = 1200 * 800 / 4000  # what one density over both matrices would have said
    assert by_chance[0] > pooled / (2000 - pooled) + 0.1


def test_its_ends():
    assert overlap(np.array([3]), np.array([3]), np.array([3]), np.array([9]))[0] == 1
    assert overlap(np.array([0]), np.array([3]), np.array([3]), np.array([9]))[0] == 0
    assert overlap(np.array([0]), np.array([0]), np.array([0]), np.array([9])) == (0, 0)


def test_many_pairs_at_once():
    both, one, other, size = np.array([[1, 2], [0, 4]]), np.array([[2, 2], [1, 5]]), np.array([[2, 4], [1, 5]]), 8
    found, by_chance = overlap(both, one, other, np.array([size, size]))
    for number in range(2):
        alone = overlap(both[number], one[number], other[number], np.array([size, size]))
        assert (found[number], by_chance[number]) == alone
