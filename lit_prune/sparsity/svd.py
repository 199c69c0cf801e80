"""The best matrix of a rank in a weighted norm: a singular value decomposition with left and right whitening.

The norm is ||L (W - W_k) R||, Frobenius. Row weights are those of FWSVD (Hsu et al. 2022, arXiv 2207.00112); a Cholesky
factor of the inputs' second moments is that of SVD-LLM (Wang et al. 2024, arXiv 2403.07378); with both L and R the norm
is that of a Kronecker-factored Fisher matrix, as in GFWSVD (arXiv 2505.17974).
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Factors(NamedTuple):
    """The whitening of a matrix W (out_features, in_features); the norm of a change D is ||L D R||.

    Args:
        left: L: (out_features, out_features), upper triangular, or (out_features,), its diagonal. If None, the
            identity.
        right: R (in_features, in_features), lower triangular. If None, the identity.
    """

    left: Tensor | None = None
    right: Tensor | None = None


def weighted_svd(weight: Tensor, factors: Factors | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Return factors of a matrix whose first k ranks are its best approximation of rank k in a weighted norm.

    With U S V^T the singular value decomposition of L W R, W = (L^-1 U) S (V^T R^-1). The squared error of k ranks is
    the sum of the squares of the other singular values, in the weighted norm (Eckart & Young).

    Args:
        weight: (out_features, in_features).
        factors: L and R, invertible. If None, both are the identity: the plain decomposition.

    Returns:
        L^-1 U, transposed (ranks, out_features); S (ranks,), descending; V^T R^-1 (ranks, in_features); float32.
    """
    left, right = factors or Factors()
    if left is None and right is None:
        u, sigma, vh = torch.linalg.svd(weight.float(), full_matrices=False)
        return u.t(), sigma, vh
    whitened = weight.double()
    if left is not None:
        whitened = left[:, None] * whitened if left.ndim == 1 else left @ whitened
    if right is not None:
        whitened = whitened @ right
    u, sigma, vh = torch.linalg.svd(whitened, full_matrices=False)
    if left is not None:
        u = u / left[:, None] if left.ndim == 1 else torch.linalg.solve_triangular(left, u, upper=True)
    if right is not None:
        vh = torch.linalg.solve_triangular(right, vh, upper=False, left=False)
    return u.t().float(), sigma.float(), vh.float()


def weighted_error(change: Tensor, factors: Factors) -> float:
    """Return ||L D R|| of a change D (out_features, in_features) of a matrix."""
    change = change.double()
    if factors.left is not None:
        change = (torch.diag(factors.left) if factors.left.ndim == 1 else factors.left) @ change
    if factors.right is not None:
        change = change @ factors.right
    return float(torch.linalg.matrix_norm(change))


def root(gram: Tensor, damp: float) -> Tensor:
    """Return the lower triangular R with R R^T the second moments, of mean 1 on the diagonal, plus `damp`.

    The scale keeps whitened singular values in the units of the weights.

    Args:
        gram: X^T X of vectors X (num, size), float64.
        damp: Added to the diagonal; above 0, as the vectors may not span the space.
    """
    eye = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    mean = gram.diagonal().mean().clamp_min(torch.finfo(gram.dtype).tiny)
    factor: Tensor = torch.linalg.cholesky(gram / mean + damp * eye)
    return factor


def row_scales(importances: Tensor, damp: float) -> Tensor:
    """Return square roots of row importances (out_features,), of mean 1, plus `damp`; float64."""
    importances = importances.double()
    mean = importances.mean().clamp_min(torch.finfo(importances.dtype).tiny)
    return (importances / mean + damp).sqrt()
