"""How many parameters pruned Transformer layers need, with biases and LayerNorms (Xia & Shin 2021, Table 2)."""

from dataclasses import dataclass

from torch import nn

from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer
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
    layers = [layer for name, layer in masked_layers(root).items() if layer_of(name)]
    own = {id(value) for layer in layers for name, value in layer.named_parameters() if name != "bias"}
    others = [value for name, value in root.named_parameters() if layer_of(name) and id(value) not in own]
    num_others = sum(value.numel() for value in others)
    num_whole = sum(layer.out_features * layer.in_features for layer in layers)
    by_rank = [layer for layer in layers if isinstance(layer, LowRankLinear)]
    return Budget(
        num_others + sum(_needed(layer) for layer in layers),
        num_others + num_whole,
        sum(_num_kept(layer) for layer in by_rank),
        sum(int(max(0.0, _num_kept(each) - break_even(each.out_features, each.in_features))) for each in by_rank),
    )


def _num_kept(layer: MaskedLayer) -> int:
    return int(layer.mask.keep.sum())


def _needed(layer: MaskedLayer) -> int:
    whole = layer.out_features * layer.in_features
    if isinstance(layer, LowRankLinear):
        return min(_num_kept(layer) * (layer.out_features + layer.in_features), whole)
    return _num_kept(layer)
