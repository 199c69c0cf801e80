"""Matrices that are pruned by rank as two small ones, without the pruned ranks (Xia & Shin 2021, section 2).

W = (U sigma) V of the kept ranks, or W itself where that has fewer entries.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.export.formats.format import Content, Export, Format, converted
from lit_prune.export.model import TaskModel, check_same_for_all
from lit_prune.export.trained import Trained
from lit_prune.sparsity.budget import break_even
from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.pairs import RankPair, rank_pairs
from lit_prune.tuning.adapter import has_adapters

FILE = "lowrank.safetensors"


class LowRank(Format):
    """The format of matrices pruned by rank as two small ones."""

    name = "lowrank"
    purpose = "two small matrices for each that is pruned by rank: small and fast; lit_prune.load reads it"
    files = (FILE,)

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return the weights of the factorised model."""
        small = deepcopy(trained.model)
        factor(small)
        return Content({FILE: converted(small.state_dict(), dtype)}, {})

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Factorise the model's matrices as in the file, and load them."""
        state = exports[0].tensors[FILE]
        shape_like(model, state)
        model.take(state)


@torch.no_grad()
def factor(model: TaskModel) -> None:
    """Replace each linear layer that is pruned by rank by two, in place; logits stay, up to rounding.

    Args:
        model: The model; of several tasks, all with the same masks.

    Raises:
        UserError: nothing is pruned by rank, or masks or changes of the encoder differ by task; the model is as it was.
    """
    layers = {name: layer for name, layer in masked_layers(model).items() if isinstance(layer, LowRankLinear)}
    pairs = {name: RankPair.of(layer) for name, layer in layers.items()} | rank_pairs(model)
    if not pairs:
        raise UserError("--format must not be lowrank: no matrix is pruned by rank; use compact, csr or packed")
    check_same_for_all(model)
    if any(has_adapters(model.get_submodule(name)) for name in pairs):
        raise UserError(
            "--format must not be lowrank for adapters (position houlsby) after matrices pruned by rank: use packed"
        )
    for name, pair in pairs.items():
        if pair.rank > break_even(pair.out_features, pair.in_features):
            model.set_submodule(name, pair.to_linear())
        else:
            narrow, wide = pair_of(pair.in_features, pair.out_features, pair.rank)
            narrow.weight, wide.weight = (nn.Parameter(each.clone()) for each in pair.masked_factors())
            wide.bias = pair.wide.bias
            model.set_submodule(name, nn.Sequential(narrow, wide))
    model.eval()


def shape_like(root: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Replace linear layers by two as in a state dict of a factorised model, in place; it can then be loaded.

    Raises:
        AttributeError, ValueError: it is of another network.
    """
    for name in [key.removesuffix(".0.weight") for key in state if key.endswith(".0.weight")]:
        linear = root.get_submodule(name)
        if not isinstance(linear, nn.Linear) or state[f"{name}.0.weight"].ndim != 2:
            raise ValueError(f"{name} is no matrix")
        pair = pair_of(linear.in_features, linear.out_features, len(state[f"{name}.0.weight"]))
        root.set_submodule(name, pair.to_empty(device="cpu"))


def pair_of(in_features: int, out_features: int, rank: int) -> nn.Sequential:
    """Build the two linear layers of a rank, without values yet."""
    return nn.Sequential(_linear(in_features, rank, bias=False), _linear(rank, out_features))


def _linear(in_features: int, out_features: int, bias: bool = True) -> nn.Linear:
    return nn.Linear(in_features, out_features, bias=bias, device="meta")
