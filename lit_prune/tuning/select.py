"""Selection of the entries to tune by scores, per tensor or globally (Fu et al. 2023)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.select import exact_floor, keep_largest

SCOPES = ("tensor", "global")


def check_share(share: float, scope: str) -> None:
    """Check a trainable fraction and its scope.

    Raises:
        UserError: The share is not between 0 and 1, or the scope is unknown.
    """
    if not 0 <= share <= 1:
        raise UserError(f"share must be from 0 to 1, got {share}: it is the trainable fraction")
    if scope not in SCOPES:
        raise UserError(f"unknown scope {scope!r}: choose from {', '.join(SCOPES)}")


def select_entries(scores: Mapping[str, Tensor], share: float, scope: str) -> dict[str, Tensor]:
    """Return the indices of the largest scores in each flattened tensor (entries,) int64, ascending.

    Args:
        scores: Scores (float32) by parameter name, on one device; -inf for entries that may not be tuned.
        share: Trainable fraction, from 0 to 1; the number of entries is rounded down.
        scope: `tensor` for the fraction of each tensor, `global` for the fraction of all entries together.
    """
    check_share(share, scope)
    pools = [[name] for name in scores] if scope == "tensor" else [list(scores)]
    found: dict[str, Tensor] = {}
    for names in pools:
        pool = [scores[name] for name in names]
        num_all = sum(int((score > -torch.inf).count_nonzero()) for score in pool)
        num_tuned = exact_floor(share, num_all)
        masks = keep_largest(pool, num_tuned) if num_tuned else [score.new_zeros(score.shape).bool() for score in pool]
        found |= {name: mask.flatten().nonzero().flatten() for name, mask in zip(names, masks, strict=True)}
    return found
