"""Matrices that are pruned by rank as two small ones: what is pruned is not computed (Xia & Shin 2021, section 2).

W = (U sigma) V of the kept ranks, or W itself where that has fewer entries.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.export.model import TaskModel, check_same_for_all
from lit_prune.sparsity.budget import break_even
from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.layers import LowRankLinear

FILE = "lowrank.safetensors"


@torch.no_grad()
def factor(model: TaskModel) -> None:
    """Put two linear layers in the place of each that is pruned by rank, in place; logits stay, up to rounding.

    Args:
        model: The model; of several tasks, all with the same masks.

    Raises:
        UserError: nothing is pruned by rank, or masks or changes of the encoder differ by task; the model is as it was.
    """
    by_rank = {name: layer for name, layer in masked_layers(model).items() if isinstance(layer, LowRankLinear)}
    if not by_rank:
        raise UserError("no matrix is pruned by rank: use compact, csr or packed")
    check_same_for_all(model)
    for name, layer in by_rank.items():
        rank = int(layer.mask.keep.sum())
        if rank > break_even(layer.out_features, layer.in_features):
            whole = _linear(layer.in_features, layer.out_features)
            whole.weight = nn.Parameter(layer.kept_weight())
            whole.bias = layer.bias  # type: ignore[assignment]
            model.set_submodule(name, whole)
        else:
            ut, sigma, vh = layer.kept_factors()
            pair = pair_of(layer.in_features, layer.out_features, rank)
            narrow, wide = pair
            narrow.weight, wide.weight = nn.Parameter(vh.clone()), nn.Parameter((ut.t() * sigma).contiguous())
            wide.bias = layer.bias  # type: ignore[assignment]
            model.set_submodule(name, pair)
    model.eval()


def shape_like(root: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put two linear layers where a state dict of a factored model has them, in place; it can then be loaded.

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
    """The two linear layers of a rank, without values yet."""
    return nn.Sequential(_linear(in_features, rank, bias=False), _linear(rank, out_features))


def _linear(in_features: int, out_features: int, bias: bool = True) -> nn.Linear:
    return nn.Linear(in_features, out_features, bias=bias, device="meta")
