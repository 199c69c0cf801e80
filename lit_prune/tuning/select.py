"""Which entries of tensors are tuned: by a criterion, a share of each tensor or of all together (Fu et al. 2023)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.select import exact_floor, keep_largest

SCOPES = ("tensor", "global")


def check_share(share: float, scope: str) -> None:
    """Refuse, with a UserError, what is no share of entries, or no scope."""
    if not 0 <= share <= 1:
        raise UserError(f"share is {share}: it is the fraction of entries to tune, needed is one from 0 to 1")
    if scope not in SCOPES:
        raise UserError(f"scope is {scope!r}, needed is one of {', '.join(SCOPES)}")


def select_entries(scores: Mapping[str, Tensor], share: float, scope: str) -> dict[str, Tensor]:
    """The places of the largest scores, in each flattened tensor (entries,) int64, ascending.

    Args:
        scores: Name of a parameter -> its scores (float32), of its shape, on one device; -inf where an entry may not be
            tuned.
        share: The fraction to tune, from 0 to 1; rounded down, so that no more is tuned.
        scope: `tensor`: of each tensor; `global`: of all entries.
    """
    check_share(share, scope)
    pools = [[name] for name in scores] if scope == "tensor" else [list(scores)]
    found: dict[str, Tensor] = {}
    for names in pools:
        pool = [scores[name] for name in names]
        num_all = sum(int((score > -torch.inf).count_nonzero()) for score in pool)
        num_tuned = exact_floor(share, num_all)
        keeps = keep_largest(pool, num_tuned) if num_tuned else [score.new_zeros(score.shape).bool() for score in pool]
        found |= {name: keep.flatten().nonzero().flatten() for name, keep in zip(names, keeps, strict=True)}
    return found
