"""Theory of sparse fine-tuning (Fu et al. 2023): the bounds of Theorems 1 and 2, the mask of Theorem 3.

A fraction p of the parameters is tuned. The training loss is the mean over n examples, rho-Lipschitz in the parameters,
and convex where training ends, with `smallest_eigenvalue` that of its Hessian there. Freezing parameters acts as a
penalty of (1 - p) times the squared distance from the pretrained parameters.
"""

import math

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.select import exact_floor


def stability_bound(lipschitz: float, smallest_eigenvalue: float, share: float, num_examples: int) -> float:
    """Return the bound of pointwise hypothesis stability (Theorem 1), the mean change of a left-out example's loss.

    2 rho^2 / ((Lambda_min + 2 (1 - p)) n), in units of the loss.

    Args:
        lipschitz: rho, in units of the loss per unit of distance between parameters.
        smallest_eigenvalue: Lambda_min, not negative.
        share: p, from 0 to 1.
        num_examples: n.

    Raises:
        UserError: An argument is out of range, or there is no bound (p = 1 and Lambda_min = 0).
    """
    return 2 * lipschitz**2 / (_convexity(lipschitz, smallest_eigenvalue, share) * _checked(num_examples))


def generalisation_bound(
    training_loss: float,
    largest_loss: float,
    lipschitz: float,
    smallest_eigenvalue: float,
    share: float,
    num_examples: int,
    risk: float,
) -> float:
    """Return the bound of the expected loss that holds with probability 1 - `risk` (Theorem 2).

    R + sqrt((C^2 + 24 C rho^2 / (Lambda_min + 2 (1 - p))) / (2 n delta)).

    Args:
        training_loss: R, the mean loss on the training set.
        largest_loss: C, the upper bound of an example's loss.
        lipschitz: rho, see `stability_bound`.
        smallest_eigenvalue: Lambda_min, see `stability_bound`.
        share: p, from 0 to 1.
        num_examples: n.
        risk: delta, above 0 and below 1.

    Raises:
        UserError: An argument is out of range, or there is no bound.
    """
    if not 0 < risk < 1:
        raise UserError(f"risk must be above 0 and below 1, got {risk}: it is a probability")
    if largest_loss < 0:
        raise UserError(f"largest_loss must not be negative, got {largest_loss}: it bounds the loss")
    spread = 24 * largest_loss * lipschitz**2 / _convexity(lipschitz, smallest_eigenvalue, share)
    return training_loss + math.sqrt((largest_loss**2 + spread) / (2 * _checked(num_examples) * risk))


def best_mask(gradient: Tensor, curvature: Tensor, share: float) -> Tensor:
    """Return the mask of parameters to tune that minimises the loss's second-order approximation (Theorem 3).

    Args:
        gradient: g (parameters,).
        curvature: h (parameters,), the diagonal of the Hessian, positive; the theorem assumes the rest to be 0.
        share: p, from 0 to 1; floor(p times the number of parameters) are tuned.

    Returns:
        True for the largest g^2 / h, bool (parameters,).

    Raises:
        UserError: A curvature is not positive, or the share is not between 0 and 1.
    """
    if not (curvature > 0).all():
        raise UserError(f"curvature must be positive, got {curvature.min():g}: the approximation has no minimum")
    if not 0 <= share <= 1:
        raise UserError(f"share must be from 0 to 1, got {share}: it is the trainable fraction")
    mask = torch.zeros_like(gradient, dtype=torch.bool)
    mask[(gradient.square() / curvature).topk(exact_floor(share, len(gradient))).indices] = True
    return mask


def _convexity(lipschitz: float, smallest_eigenvalue: float, share: float) -> float:
    if lipschitz < 0 or smallest_eigenvalue < 0:
        raise UserError(
            f"lipschitz and smallest_eigenvalue must not be negative, got {lipschitz} and {smallest_eigenvalue}: "
            "use 0 or more"
        )
    if not 0 <= share <= 1:
        raise UserError(f"share must be from 0 to 1, got {share}: it is the trainable fraction")
    if (convexity := smallest_eigenvalue + 2 * (1 - share)) == 0:
        raise UserError("share must be below 1 for smallest_eigenvalue=0, got 1: there is no bound")
    return convexity


def _checked(num_examples: int) -> int:
    if num_examples < 1:
        raise UserError(f"num_examples must be positive, got {num_examples}: use 1 or more")
    return num_examples
