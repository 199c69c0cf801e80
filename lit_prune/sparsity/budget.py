"""How many parameters pruned Transformer layers need, with biases and LayerNorms (Xia & Shin 2021, Table 2)."""

from dataclasses import dataclass

from torch import nn

from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.pairs import RankPair, rank_pairs
from lit_prune.sparsity.targets import layer_of


@dataclass(frozen=True)
class Budget:
    """Parameters of the Transformer layers that have masks; embeddings, pooler and heads are a fixed cost beside them.

    Attributes:
        num_kept: Those that are needed: kept weights; of kept ranks both vectors with the singular value multiplied in,
            or the whole matrix where that is smaller; all that has no mask.
        num_total: Those of the dense layers.
        num_ranks: Kept ranks.
        num_wasted: Kept ranks above the break-even of their matrix, from which on the whole matrix is smaller.
    """

    num_kept: int
    num_total: int
    num_ranks: int
    num_wasted: int

    def figures(self) -> dict[str, float]:
        """`parameter_density`, the share kept; of matrices pruned by rank also `wasted_ranks`, the share wasted."""
        values = {"parameter_density": self.num_kept / self.num_total} if self.num_total else {}
        return values | ({"wasted_ranks": self.num_wasted / self.num_ranks} if self.num_ranks else {})


def break_even(out_features: int, in_features: int) -> float:
    """The rank above which two factors of a matrix have more entries than the matrix: mn / (m + n)."""
    return out_features * in_features / (out_features + in_features)


def budget(root: nn.Module) -> Budget:
    """Count the parameters of the Transformer layers; where masks differ by task, of the task in use."""
    pairs = {name: pair for name, pair in rank_pairs(root).items() if layer_of(name)}
    masked = {name: layer for name, layer in masked_layers(root).items() if layer_of(name)}
    alone = [layer for name, layer in masked.items() if name.rpartition(".")[0] not in pairs]
    layers: list[MaskedLayer | RankPair] = [*pairs.values(), *alone]
    own = {id(value) for layer in layers for value in _matrices(layer)}
    others = [value for name, value in root.named_parameters() if layer_of(name) and id(value) not in own]
    num_others = sum(value.numel() for value in others)
    num_whole = sum(layer.out_features * layer.in_features for layer in layers)
    by_rank = [layer for layer in layers if not isinstance(layer, MaskedLinear)]
    return Budget(
        num_others + sum(_needed(layer) for layer in layers),
        num_others + num_whole,
        sum(_num_ranks(layer) for layer in by_rank),
        sum(int(max(0.0, _num_ranks(each) - break_even(each.out_features, each.in_features))) for each in by_rank),
    )


def _matrices(layer: MaskedLayer | RankPair) -> list[nn.Parameter]:
    """What a layer has in the place of its matrix, scores included."""
    parts = [layer.narrow, layer.wide] if isinstance(layer, RankPair) else [layer]
    return [value for part in parts for name, value in part.named_parameters() if name != "bias"]


def _num_ranks(layer: LowRankLinear | RankPair) -> int:
    return layer.rank if isinstance(layer, RankPair) else int(layer.mask.keep.sum())


def _needed(layer: MaskedLayer | RankPair) -> int:
    whole = layer.out_features * layer.in_features
    if isinstance(layer, MaskedLinear):
        return int(layer.mask.keep.sum())
    if isinstance(layer, LowRankLinear):
        return min(_num_ranks(layer) * (layer.out_features + layer.in_features), whole)
    parts = (layer.narrow, layer.wide)
    return min(sum(_needed(part) if isinstance(part, MaskedLinear) else part.weight.numel() for part in parts), whole)
