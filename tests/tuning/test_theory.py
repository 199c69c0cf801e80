"""Bounds against numbers worked out by hand, and Theorem 3 against every mask there is."""

import math
from itertools import combinations

import pytest
import torch

from lit_prune.errors import UserError
from lit_prune.tuning.select import select_entries
from lit_prune.tuning.theory import best_mask, generalisation_bound, stability_bound


def test_bounds_by_hand():
    assert stability_bound(3.0, 1.0, 0.5, 9) == pytest.approx(2 * 9 / ((1 + 1) * 9))
    # R + sqrt((16 + 24 * 4 * 9 / 2) / (2 * 100 * .1)), the root of 448 / 20
    assert generalisation_bound(0.25, 4.0, 3.0, 1.0, 0.5, 100, 0.1) == pytest.approx(0.25 + math.sqrt(22.4))


def test_fewer_tuned_parameters_and_more_examples_bound_more_tightly():
    shares = (1.0, 0.5, 0.005)
    for bound in (
        lambda share, num: stability_bound(1.0, 0.1, share, num),
        lambda share, num: generalisation_bound(0.1, 2.0, 1.0, 0.1, share, num, 0.05),
    ):
        values = [bound(share, 50) for share in shares]
        assert values == sorted(values, reverse=True)
        assert bound(0.5, 500) < bound(0.5, 50)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_mask_of_a_quadratic_goes_lower(seed):
    """min over d in the mask of g d + d H d / 2, each by solving for it."""
    generator = torch.Generator().manual_seed(seed)
    g, h = torch.randn(8, generator=generator).double(), torch.rand(8, generator=generator).double() + 0.1

    def lowest(chosen):
        index = torch.tensor(chosen)
        step = torch.linalg.solve(torch.diag(h[index]), -g[index])
        return float(g[index] @ step + step @ torch.diag(h[index]) @ step / 2)

    best = min(combinations(range(8), 3), key=lowest)
    assert tuple(best_mask(g, h, 0.4).nonzero().flatten().tolist()) == best  # floor(.4 * 8) is 3


def test_the_mask_has_exactly_the_share_that_sparse_tuning_selects():
    gradient = torch.arange(1.0, 101)
    mask = best_mask(gradient, torch.ones(100), 0.29)  # in binary .29 * 100 is below 29
    assert mask.sum() == 29
    (index,) = select_entries({"gradient": gradient.square()}, 0.29, "tensor").values()
    assert torch.equal(mask.nonzero().flatten(), index)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: stability_bound(1.0, 0.0, 1.0, 10), "there is no bound"),
        (
            lambda: stability_bound(-1.0, 0.0, 0.5, 10),
            "lipschitz and smallest_eigenvalue must not be negative, got -1.0",
        ),
        (lambda: stability_bound(1.0, 0.0, 1.5, 10), "share must be from 0 to 1, got 1.5"),
        (lambda: stability_bound(1.0, 0.0, 0.5, 0), "num_examples must be positive, got 0"),
        (lambda: generalisation_bound(0.1, 1.0, 1.0, 0.0, 0.5, 10, 0.0), "risk must be above 0 and below 1, got 0.0"),
        (
            lambda: generalisation_bound(0.1, -1.0, 1.0, 0.0, 0.5, 10, 0.1),
            "largest_loss must not be negative",
        ),
        (lambda: best_mask(torch.ones(2), torch.tensor([1.0, 0.0]), 0.5), "curvature must be positive, got 0"),
        (lambda: best_mask(torch.ones(2), torch.ones(2), -0.5), "share must be from 0 to 1, got -0.5"),
    ],
)
def test_what_the_theorems_do_not_cover_is_refused(call, named):
    with pytest.raises(UserError, match=named):
        call()
