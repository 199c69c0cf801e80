"""How many parameters pruned Transformer layers need, with biases and LayerNorms (Xia & Shin 2021, Table 2)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.pairs import RankPair, rank_pairs
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
    """Return the rank above which two factors of a matrix have more entries than the matrix: mn / (m + n)."""
    return out_features * in_features / (out_features + in_features)


def budget(root: nn.Module) -> Budget:
    """Count the parameters of the Transformer layers, for a task and for all tasks together."""
    pairs = {name: pair for name, pair in rank_pairs(root).items() if layer_of(name)}
    masked = {name: layer for name, layer in masked_layers(root).items() if layer_of(name)}
    alone = [layer for name, layer in masked.items() if name.rpartition(".")[0] not in pairs]
    layers: list[MaskedLayer | RankPair] = [*pairs.values(), *alone]
    own = {id(value) for layer in layers for value in _matrices(layer)}
    others = [value for name, value in root.named_parameters() if layer_of(name) and id(value) not in own]
    num_others = sum(value.numel() for value in others)
    tasks = list(next(iter(masked.values())).mask.by_task) if masked else [""]  # an empty name where all have one mask
    ranks = [
        (_num_ranks(layer, [task]), break_even(layer.out_features, layer.in_features))
        for layer in layers
        if not isinstance(layer, MaskedLinear)
        for task in tasks
    ]
    return Budget(
        num_kept=num_others + sum(_needed(layer, [task]) for layer in layers for task in tasks) / len(tasks),
        num_stored=num_others + sum(_needed(layer, tasks) for layer in layers),
        num_total=num_others + sum(layer.out_features * layer.in_features for layer in layers),
        num_mask_bits=sum(keep.numel() for layer in masked.values() for keep in layer.mask.by_task.values()),
        num_ranks=sum(num for num, _ in ranks),
        num_wasted=sum(int(max(0.0, num - most)) for num, most in ranks),
    )


def _matrices(layer: MaskedLayer | RankPair) -> list[nn.Parameter]:
    """Return what a layer has in the place of its matrix, scores included."""
    parts = [layer.narrow, layer.wide] if isinstance(layer, RankPair) else [layer]
    return [value for part in parts for name, value in part.named_parameters() if name != "bias"]


def _num_kept(layer: MaskedLayer, tasks: Iterable[str]) -> int:
    """Return how many masked entries any of the tasks keeps."""
    return int(torch.stack([layer.mask.by_task[task] for task in tasks]).any(0).sum())


def _num_ranks(layer: LowRankLinear | RankPair, tasks: Iterable[str]) -> int:
    return layer.rank if isinstance(layer, RankPair) else _num_kept(layer, tasks)


def _needed(layer: MaskedLayer | RankPair, tasks: list[str]) -> int:
    """Return how many parameters of a layer's matrix these tasks need together."""
    if isinstance(layer, MaskedLinear):
        return _num_kept(layer, tasks)
    if isinstance(layer, LowRankLinear):
        needed = _num_kept(layer, tasks) * (layer.out_features + layer.in_features)
    else:
        parts = (layer.narrow, layer.wide)
        needed = sum(
            _num_kept(each, tasks) if isinstance(each, MaskedLinear) else each.weight.numel() for each in parts
        )
    # Several tasks take what they keep from the two factors: these are stored even where the whole matrix is smaller.
    return needed if len(tasks) > 1 else min(needed, layer.out_features * layer.in_features)
