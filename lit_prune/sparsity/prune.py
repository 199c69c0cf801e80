"""One-shot pruning: which entries of weight matrices are kept at a sparsity, given those that are pruned already."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.select import keep_largest, num_kept


@torch.no_grad()
def keep_further(
    weights: Mapping[str, Tensor],
    kept: Mapping[str, Tensor],
    criterion: Criterion,
    sparsity: float,
    pools: Iterable[Sequence[str]],
) -> dict[str, Tensor]:
    """Keep the most important entries; what is pruned stays pruned.

    Args:
        weights: The matrices by name, on one device.
        kept: bool, what is kept so far, of some or all of them; the others are whole.
        criterion: How important each entry is.
        sparsity: The fraction to have removed, not below what is removed already.
        pools: Of which the sparsity is: names of matrices, each in one pool.

    Returns:
        bool by name, True for kept: exactly as many as the sparsity leaves, ties by index.
    """
    scores = {name: criterion(weight, sparsity) for name, weight in weights.items()}
    for name, keep in kept.items():
        scores[name].masked_fill_(~keep, -torch.inf)
    result: dict[str, Tensor] = {}
    for pool in pools:
        num_keep = num_kept(sum(scores[name].numel() for name in pool), sparsity)
        result |= dict(zip(pool, keep_largest([scores[name] for name in pool], num_keep), strict=True))
    assert all(bool((result[name] <= keep).all()) for name, keep in kept.items()), "a pruned entry came back"
    return result
