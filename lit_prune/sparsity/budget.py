"""How many parameters pruned Transformer layers need, with biases and LayerNorms (Xia & Shin 2021, Table 2)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer
from lit_prune.sparsity.targets import layer_of


@dataclass(frozen=True)
class Budget:
    """Parameters of the Transformer layers that have masks; embeddings, pooler and heads are a fixed cost beside them.

    Of a masked matrix the kept weights count; of kept ranks both vectors with the singular value multiplied in, or the
    whole matrix where that is smaller. What has no mask (biases, LayerNorms) counts whole.

    Attributes:
        num_kept: Parameters that a task needs, on average over the tasks where masks differ by task.
        num_stored: Parameters that all tasks need together: what any task's mask keeps, once (of ranks always vectors).
        num_total: Parameters of the dense layers.
        num_mask_bits: Bits of the masks, which `num_stored` leaves out: one for each masked entry (weight or singular
            value), and where masks differ by task, one for each entry and task.
        num_ranks: Kept ranks, of all tasks.
        num_wasted: Kept ranks above the break-even of their matrix, from which on the whole matrix is smaller.
    """

    num_kept: float
    num_stored: int
    num_total: int
    num_mask_bits: int
    num_ranks: int
    num_wasted: int

    def figures(self) -> dict[str, float]:
        """Return the budget as a run records it.

        Returns:
            `parameter_density` (share of the dense layers' parameters that a task needs), `stored_density` (share that
            all tasks need together, without the masks' bits) and `mask_bits`; of matrices pruned by rank also
            `wasted_ranks`, the wasted share of the kept ranks. Empty where no Transformer layer has a mask.
        """
        if not self.num_total:
            return {}
        values = {
            "parameter_density": self.num_kept / self.num_total,
            "stored_density": self.num_stored / self.num_total,
            "mask_bits": self.num_mask_bits,
        }
        return values | ({"wasted_ranks": self.num_wasted / self.num_ranks} if self.num_ranks else {})


def break_even(out_features: int, in_features: int) -> float:
    """The rank above which two factors of a matrix have more entries than the matrix: mn / (m + n)."""
    return out_features * in_features / (out_features + in_features)


def budget(root: nn.Module) -> Budget:
    """Count the parameters of the Transformer layers, for a task and for all tasks together."""
    layers = [layer for name, layer in masked_layers(root).items() if layer_of(name)]
    own = {id(value) for layer in layers for name, value in layer.named_parameters() if name != "bias"}
    others = [value for name, value in root.named_parameters() if layer_of(name) and id(value) not in own]
    num_others = sum(value.numel() for value in others)
    masks = [list(layer.mask.keeps.values()) for layer in layers]
    num_tasks = max(map(len, masks), default=1)
    needed = [_needed(layer, int(mask.sum())) for layer, each in zip(layers, masks, strict=True) for mask in each]
    stored = [_stored(layer, each) for layer, each in zip(layers, masks, strict=True)]
    ranks = [
        (int(mask.sum()), break_even(layer.out_features, layer.in_features))
        for layer, each in zip(layers, masks, strict=True)
        if isinstance(layer, LowRankLinear)
        for mask in each
    ]
    return Budget(
        num_kept=num_others + sum(needed) / num_tasks,
        num_stored=num_others + sum(stored),
        num_total=num_others + sum(layer.out_features * layer.in_features for layer in layers),
        num_mask_bits=sum(mask.numel() for each in masks for mask in each),
        num_ranks=sum(num for num, _ in ranks),
        num_wasted=sum(int(max(0.0, num - most)) for num, most in ranks),
    )


def _stored(layer: MaskedLayer, masks: Sequence[Tensor]) -> int:
    """Return how many parameters a layer's matrix takes for all tasks: those that any mask keeps."""
    num_kept = int(torch.stack(list(masks)).any(0).sum())
    if isinstance(layer, LowRankLinear) and len(masks) > 1:  # tasks take their ranks from the factors: never the whole
        return num_kept * (layer.out_features + layer.in_features)
    return _needed(layer, num_kept)


def _needed(layer: MaskedLayer, num_kept: int) -> int:
    """Return how many parameters a layer's matrix takes of which so many weights, or ranks, are kept."""
    whole = layer.out_features * layer.in_features
    if isinstance(layer, LowRankLinear):
        return min(num_kept * (layer.out_features + layer.in_features), whole)
    return num_kept
