"""Matrices that were pruned by rank as two linear layers of what they kept (Xia & Shin 2021, section 2).

These can be trained, tuned and pruned further like any other linear layers: no rank comes back, whatever is trained.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from lit_prune.sparsity.layers import LowRankLinear, MaskedLinear


class RankPair(nn.Module):
    """A linear layer as two, from `in_features` to `rank` to `out_features`.

    Args:
        in_features: Width of the input.
        rank: Width between the two.
        out_features: Width of the output.
        bias: Whether the second has one.

    Attributes:
        narrow: The first, without a bias.
        wide: The second.
    """

    MASKED: ClassVar[str] = "sigma"  # what was pruned: singular values

    def __init__(self, in_features: int, rank: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.rank, self.out_features = in_features, rank, out_features
        self.narrow = nn.Linear(in_features, rank, bias=False)
        self.wide = nn.Linear(rank, out_features, bias=bias)

    @classmethod
    def of(cls, layer: LowRankLinear) -> Self:
        """Return the pair of a layer's kept ranks; its bias is the same object."""
        with torch.device("meta"):
            pair = cls(layer.in_features, int(layer.mask.keep.sum()), layer.out_features, layer.bias is not None)
        narrow, wide = factors(*(each.detach() for each in layer.masked_factors()))
        pair.narrow.weight, pair.wide.weight = nn.Parameter(narrow), nn.Parameter(wide)
        pair.wide.bias = layer.bias  # type: ignore[assignment]
        return pair.train(layer.training)

    @property
    def num_ranks(self) -> int:
        """Ranks of a whole matrix of this shape."""
        return min(self.in_features, self.out_features)

    def forward(self, input: Tensor) -> Tensor:
        """Return the output (..., out_features) of an input (..., in_features)."""
        output: Tensor = self.wide(self.narrow(input))
        return output

    @torch.no_grad()
    def masked_factors(self) -> tuple[Tensor, Tensor]:
        """Return the weights of both layers, pruned entries 0."""
        narrow, wide = (
            layer.masked_weight() if isinstance(layer, MaskedLinear) else layer.weight.detach()
            for layer in (self.narrow, self.wide)
        )
        return narrow, wide

    @torch.no_grad()
    def masked_weight(self) -> Tensor:
        """Return the matrix (out_features, in_features) that the pair computes with."""
        narrow, wide = self.masked_factors()
        return wide @ narrow

    def to_linear(self) -> nn.Linear:
        """Return a plain layer of the product."""
        linear = nn.Linear(self.in_features, self.out_features, bias=self.wide.bias is not None, device="meta")
        linear.weight, linear.bias = nn.Parameter(self.masked_weight()), self.wide.bias
        return linear.train(self.training)


def factors(ut: Tensor, sigma: Tensor, vh: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of both layers of the pair of a decomposition; see `LowRankLinear`."""
    return vh.clone(memory_format=torch.contiguous_format), (ut.t() * sigma).contiguous()


def rank_pairs(root: nn.Module) -> dict[str, RankPair]:
    """Return the pairs of a network by name, in module order."""
    return {name: module for name, module in root.named_modules() if isinstance(module, RankPair)}


def has_pairs(state: Mapping[str, Tensor]) -> bool:
    """True if a state dict is of a network with pairs."""
    return any(name.endswith(".narrow.weight") for name in state)


def install_saved_pairs(root: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put pairs where a state dict has them, in place: `root.load_state_dict(state)` then fits."""
    for name, narrow in state.items():
        layer = name.removesuffix(".narrow.weight")
        if layer != name and not isinstance(root.get_submodule(layer), RankPair):
            linear = root.get_submodule(layer)
            assert isinstance(linear, nn.Linear), f"{layer} is no matrix"
            pair = RankPair(linear.in_features, len(narrow), linear.out_features, linear.bias is not None)
            root.set_submodule(layer, pair.to(linear.weight.device))


def split_pairs(root: nn.Module, matched: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the layers of every target, as `targets.match` does, with both layers in the place of a pair."""
    pairs = rank_pairs(root)
    both = {name: [f"{name}.narrow", f"{name}.wide"] for name in pairs}
    return {target: [each for name in names for each in both.get(name, [name])] for target, names in matched.items()}
