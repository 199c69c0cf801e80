"""`RankBudget`: a budget of parameters that the ranks of all matrices share."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from lit_prune.sparsity.allocations.allocation import Allocation
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.masks import Masked
from lit_prune.sparsity.targets import layers_in


class RankBudget(Allocation):
    """A budget of parameters: the sparsity of the schedule is the removed share of the matrices' parameters.

    A rank of an m x n matrix costs m + n parameters, and all ranks together no more than the matrix, mn. Ranks are kept
    in the order of score^2 / (m + n), with the sign of the score, until one exceeds the budget; of each matrix at least
    one. For singular values that is the least squared error which a budget allows, up to the rank that exceeds it. Ties
    are broken by position. It needs the structure `Rank`.
    """

    needs_ranks: ClassVar[bool] = True

    def __init__(self) -> None:
        self._shapes: dict[str, tuple[int, int]] = {}

    def attach(self, layers: Mapping[str, Masked]) -> None:
        """Read the shapes of the matrices."""
        for name, layer in layers.items():
            assert isinstance(layer, LowRankLinear)
            self._shapes[name] = (layer.out_features, layer.in_features)

    def pools(self, matched: Mapping[str, Sequence[str]]) -> list[list[str]]:
        """Return one pool of all matrices."""
        return [layers_in(matched)]

    def sparsities(self, scores: Mapping[str, Tensor], level: float) -> dict[str, float]:
        """Return the fraction of ranks to remove of each matrix, where `level` is that of the parameters."""
        shapes = [self._shapes[name] for name in scores]
        keys = []
        for score, (height, width) in zip(scores.values(), shapes, strict=True):
            key = score.detach().double().sort(descending=True).values
            key = key * key.abs() / (height + width)
            keys.append(torch.cat([key.new_full((1,), torch.inf), key[1:]]))  # one rank at least
        owner = torch.cat([torch.full((len(key),), number) for number, key in enumerate(keys)])
        order = torch.cat(keys).cpu().argsort(descending=True, stable=True)
        budget = sum(height * width for height, width in shapes)
        budget -= int(level * budget + 1e-6)
        num_kept, spent = [0] * len(shapes), 0
        for number in owner[order].tolist():
            size, rank = shapes[number][0] * shapes[number][1], sum(shapes[number])
            spent += min(size, rank * (num_kept[number] + 1)) - min(size, rank * num_kept[number])
            if spent > budget and num_kept[number]:
                break
            num_kept[number] += 1
        return {name: 1 - num / len(scores[name]) for name, num in zip(scores, num_kept, strict=True)}
