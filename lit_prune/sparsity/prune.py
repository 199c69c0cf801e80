"""Which entries, or groups of entries, of scored matrices are kept at a sparsity."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.pools import Scope, allot
from lit_prune.sparsity.select import keep_largest, num_kept
from lit_prune.sparsity.structures import Structure


@torch.no_grad()
def keep_largest_of(scores: Mapping[str, Tensor], sparsity: float, structure: Structure) -> dict[str, Tensor]:
    """Keep the largest scores of a pool: entries, or whole groups where the structure has some.

    Args:
        scores: Scores by layer (float32), on one device.
        sparsity: The fraction to remove: of the entries, or of the groups.
        structure: The unit that is pruned.

    Returns:
        bool by layer, True for kept: exactly as many as the sparsity leaves, ties by index.
    """
    groups = structure.groups({name: score.shape for name, score in scores.items()})
    if groups is None:
        num_keep = num_kept(sum(score.numel() for score in scores.values()), sparsity)
        return dict(zip(scores, keep_largest(list(scores.values()), num_keep), strict=True))
    totals = torch.stack([sum(scores[name][index].sum() for name, index in group.items()) for group in groups])  # type: ignore[misc]
    (kept,) = keep_largest([totals], num_kept(len(groups), sparsity))
    keeps = {name: torch.ones_like(score, dtype=torch.bool) for name, score in scores.items()}
    for group, is_kept in zip(groups, kept.tolist(), strict=True):
        for name, index in group.items():
            keeps[name][index] = is_kept
    return keeps


@torch.no_grad()
def keep_further(
    scores: Mapping[str, Tensor],
    kept: Mapping[str, Tensor],
    sparsity: float,
    pools: Iterable[Sequence[str]],
    structure: Structure,
    scope: Scope,
) -> dict[str, Tensor]:
    """Keep the most important entries; a pruned one stays pruned.

    Args:
        scores: Scores by layer (float32), on one device; changed in place.
        kept: bool, the masks so far of some or all of them; the others are whole.
        sparsity: The fraction to have removed, not below what is removed already.
        pools: Of which the sparsity is: names of layers, each in one pool.
        structure: The unit that is pruned.
        scope: How the matrices of a pool share the sparsity.

    Returns:
        bool by layer, True for kept.

    Raises:
        UserError: more is removed already.
    """
    for name, keep in kept.items():
        scores[name].masked_fill_(~keep, -torch.inf)
    result: dict[str, Tensor] = {}
    for pool in pools:
        for names, own in allot(scope, {name: scores[name] for name in pool}, sparsity):
            result |= keep_largest_of({name: scores[name] for name in names}, own, structure)
    if not all(bool((result[name] <= keep).all()) for name, keep in kept.items()):
        raise UserError(
            f"sparsity must be at least that of the entries pruned before, got {sparsity}: pruned entries stay pruned"
        )
    return result
