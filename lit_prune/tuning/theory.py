"""What Fu et al. 2023 prove of sparse fine-tuning, as functions: bounds of Theorems 1 and 2, the mask of Theorem 3.

A share p of the parameters is tuned. The training loss is the mean of n examples, rho-Lipschitz in the parameters, and
convex where training ends, with `smallest_eigenvalue` the smallest one of its Hessian there. Fixing parameters acts as
a penalty of (1 - p) times the squared distance from the pretrained ones.
"""

import math

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.select import exact_floor


def stability_bound(lipschitz: float, smallest_eigenvalue: float, share: float, num_examples: int) -> float:
    """Pointwise hypothesis stability (Theorem 1): how far, on average, the loss of a left-out example may move.

    2 rho^2 / ((Lambda_min + 2 (1 - p)) n), in units of the loss.

    Args:
        lipschitz: rho, units of the loss for each unit of distance between parameters.
        smallest_eigenvalue: Lambda_min, from 0 on.
        share: p, from 0 to 1.
        num_examples: n.

    Raises:
        UserError: an argument is out of its range, or nothing bounds the loss (p = 1 and Lambda_min = 0).
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
    """What the expected loss does not exceed, with probability 1 - `risk` (Theorem 2), in units of the loss.

    R + sqrt((C^2 + 24 C rho^2 / (Lambda_min + 2 (1 - p))) / (2 n delta)).

    Args:
        training_loss: R, the mean loss on the training set.
        largest_loss: C, what no example's loss exceeds.
        lipschitz: rho, see `stability_bound`.
        smallest_eigenvalue: Lambda_min, see `stability_bound`.
        share: p, from 0 to 1.
        num_examples: n.
        risk: delta, above 0 and below 1.

    Raises:
        UserError: an argument is out of its range, or nothing bounds the loss.
    """
    if not 0 < risk < 1:
        raise UserError(f"risk is {risk}, needed is a probability above 0 and below 1")
    if largest_loss < 0:
        raise UserError(f"largest_loss is {largest_loss}, needed is a number from 0 on")
    spread = 24 * largest_loss * lipschitz**2 / _convexity(lipschitz, smallest_eigenvalue, share)
    return training_loss + math.sqrt((largest_loss**2 + spread) / (2 * _checked(num_examples) * risk))


def best_mask(gradient: Tensor, curvature: Tensor, share: float) -> Tensor:
    """The parameters to tune for the lowest second-order approximation of the loss (Theorem 3): the largest g^2 / h.

    Args:
        gradient: g (parameters,).
        curvature: h (parameters,), the Hessian's diagonal, above 0; the theorem takes the rest of it as 0.
        share: p, from 0 to 1; floor(p times the number of parameters) are tuned.

    Returns:
        bool (parameters,).

    Raises:
        UserError: a curvature is not positive, or the share is none.
    """
    if not (curvature > 0).all():
        raise UserError("a curvature is not above 0: the approximation has no lowest value")
    if not 0 <= share <= 1:
        raise UserError(f"share is {share}, needed is one from 0 to 1")
    mask = torch.zeros_like(gradient, dtype=torch.bool)
    mask[(gradient.square() / curvature).topk(exact_floor(share, len(gradient))).indices] = True
    return mask


def _convexity(lipschitz: float, smallest_eigenvalue: float, share: float) -> float:
    if lipschitz < 0 or smallest_eigenvalue < 0:
        raise UserError(f"lipschitz={lipschitz} and smallest_eigenvalue={smallest_eigenvalue}: needed are 0 or more")
    if not 0 <= share <= 1:
        raise UserError(f"share is {share}, needed is one from 0 to 1")
    if (convexity := smallest_eigenvalue + 2 * (1 - share)) == 0:
        raise UserError("share=1 and smallest_eigenvalue=0: nothing bounds how far training may go")
    return convexity


def _checked(num_examples: int) -> int:
    if num_examples < 1:
        raise UserError(f"num_examples is {num_examples}, needed is 1 or more")
    return num_examples
