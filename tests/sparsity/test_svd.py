"""The best matrix of a rank in a weighted norm, against NumPy, a search by gradients, and the plain decomposition."""

import numpy as np
import pytest
import torch

from lit_prune.sparsity.svd import Factors, root, row_scales, weighted_error, weighted_svd

SHAPES = [(7, 10), (10, 7), (8, 8)]


def moments(size, seed=0):
    torch.manual_seed(seed)
    vectors = torch.randn(30, size, dtype=torch.float64) * torch.logspace(-1, 1, size, dtype=torch.float64)
    return vectors.mT @ vectors


def factors_of(kind, shape):
    left = {"rows": row_scales(torch.rand(shape[0]) + 0.01, 1e-3), "both": root(moments(shape[0], 1), 1e-3).mT}
    right = {"inputs": root(moments(shape[1]), 1e-3), "both": root(moments(shape[1]), 1e-3)}
    return Factors(left.get(kind), right.get(kind))


def of_rank(decomposed, rank):
    ut, sigma, vh = decomposed
    return (ut[:rank].mT * sigma[:rank]) @ vh[:rank]


@pytest.mark.parametrize("kind", ["rows", "inputs", "both"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_of_every_rank_is_that_of_the_best_whitened_matrix_and_never_above_the_plain_one(kind, shape):
    torch.manual_seed(2)
    weight, factors = torch.randn(shape), factors_of(kind, shape)
    left, right = (
        np.eye(size) if each is None else np.diag(each.numpy()) if each.ndim == 1 else each.numpy()
        for each, size in zip(factors, shape, strict=True)
    )
    expected = np.linalg.svd(left @ weight.double().numpy() @ right, compute_uv=False)
    whitened, plain = weighted_svd(weight, factors), weighted_svd(weight)
    np.testing.assert_allclose(whitened[1], expected, rtol=1e-4)
    for rank in range(1, min(shape)):
        error = weighted_error(weight - of_rank(whitened, rank), factors)
        np.testing.assert_allclose(error, np.sqrt((expected[rank:] ** 2).sum()), rtol=1e-3)
        assert error < weighted_error(weight - of_rank(plain, rank), factors)
    torch.testing.assert_close(of_rank(whitened, min(shape)), weight, atol=1e-4, rtol=1e-4)


def test_no_search_by_gradients_finds_a_better_matrix_of_the_rank():
    torch.manual_seed(3)
    weight, factors = torch.randn(6, 9), factors_of("both", (6, 9))
    best = weighted_error(weight - of_rank(weighted_svd(weight, factors), 2), factors)
    wide, narrow = torch.randn(6, 2, dtype=torch.float64), torch.randn(2, 9, dtype=torch.float64)
    parameters = [wide.requires_grad_(), narrow.requires_grad_()]
    optimizer = torch.optim.LBFGS(parameters, max_iter=2000, line_search_fn="strong_wolfe", tolerance_change=1e-12)

    def objective():
        optimizer.zero_grad()
        value = torch.linalg.matrix_norm(factors.left @ (weight.double() - wide @ narrow) @ factors.right) ** 2
        value.backward()
        return value

    optimizer.step(objective)
    found = float(objective().detach()) ** 0.5
    assert found >= best * (1 - 1e-5)
    assert found == pytest.approx(best, rel=0.05)  # it came near, so it was a search


@pytest.mark.parametrize("shape", SHAPES)
def test_the_identity_gives_the_plain_decomposition(shape):
    torch.manual_seed(4)
    weight = torch.randn(shape)
    plain = weighted_svd(weight)
    u, sigma, vh = torch.linalg.svd(weight, full_matrices=False)
    assert all(torch.equal(*pair) for pair in zip(plain, (u.t(), sigma, vh), strict=True))
    eye = [torch.eye(size, dtype=torch.float64) for size in shape]
    for factors in (Factors(left=torch.ones(shape[0], dtype=torch.float64)), Factors(*eye)):
        same = weighted_svd(weight, factors)
        torch.testing.assert_close(same[1], plain[1])
        for rank in range(1, min(shape)):
            torch.testing.assert_close(of_rank(same, rank), of_rank(plain, rank), atol=1e-5, rtol=1e-4)


def test_a_root_is_of_the_second_moments_of_unit_mean_also_where_vectors_do_not_span_the_space():
    vectors = torch.randn(3, 6, dtype=torch.float64)
    gram = vectors.mT @ vectors
    factor = root(gram, 1e-2)
    expected = gram * 6 / gram.trace() + 1e-2 * torch.eye(6, dtype=torch.float64)
    torch.testing.assert_close(factor @ factor.mT, expected)
    torch.testing.assert_close(root(7 * gram, 1e-2), factor)
    assert root(torch.zeros(4, 4, dtype=torch.float64), 1e-2).isfinite().all()


def test_row_scales_are_roots_of_unit_mean():
    scales = row_scales(torch.tensor([0.0, 1.0, 3.0, 4.0]), 0.5)
    torch.testing.assert_close(scales.square(), torch.tensor([0.5, 1.0, 2.0, 2.5], dtype=torch.float64))
    assert row_scales(torch.zeros(3), 0.5).isfinite().all()
