"""Structures: the units of a matrix that are pruned (Xia & Shin 2021, section 2)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.masks import Mask
from lit_prune.sparsity.pairs import RankPair, split_pairs

Group = Mapping[str, tuple[slice | Tensor, ...]]  # layer -> index of its entries that the group has


class Structure(ABC):
    """The unit that is pruned: single weights, ranks, or groups of entries that span matrices."""

    def groups(self, shapes: Mapping[str, Sequence[int]]) -> list[Group] | None:
        """Return groups of entries that are kept or pruned together, None for single entries.

        Args:
            shapes: Shape of the masked tensor of each layer of a pool, by name.
        """
        return None

    @abstractmethod
    def __call__(self, linear: nn.Linear | RankPair, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """Return a masked layer in the place of a linear one.

        Args:
            linear: The layer.
            make_mask: Makes the mask, from the tensor that is masked.
        """

    def trained_names(self, linear: nn.Linear | RankPair, is_learned: bool) -> list[str]:
        """Return the names of the parameters in the place of a layer's weight.

        Args:
            linear: The layer.
            is_learned: True if its mask is learned.
        """
        return ["weight"]

    def layers(self, root: nn.Module, matched: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return the layers to mask of every target, given those that `targets.match` found: both layers of a pair."""
        return split_pairs(root, matched)


class Element(Structure):
    """Single entries of the weight."""

    def __call__(self, linear: nn.Linear | RankPair, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """`MaskedLinear` around the same parameters; the weight is masked."""
        assert isinstance(linear, nn.Linear), "a pair is masked by its two layers"
        return MaskedLinear.from_linear(linear, make_mask)


class Rank(Structure):
    """A singular value with its two vectors: a column of U and a row of V^T."""

    def __call__(self, linear: nn.Linear | RankPair, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """`LowRankLinear` of the weight's singular value decomposition; the singular values are masked.

        Of a pair it has no more ranks than the pair.
        """
        if isinstance(linear, RankPair):
            return LowRankLinear.from_linear(linear.to_linear(), make_mask, linear.rank)
        return LowRankLinear.from_linear(linear, make_mask)

    def trained_names(self, linear: nn.Linear | RankPair, is_learned: bool) -> list[str]:
        """Return the singular values, and the blocks of both factors."""
        num_ranks = linear.rank if isinstance(linear, RankPair) else min(linear.out_features, linear.in_features)
        size = -(-num_ranks // (1 if is_learned else LowRankLinear.BLOCKS))
        numbers = range(-(-num_ranks // size))
        return ["sigma", *(f"{factor}_blocks.{number}" for factor in ("ut", "vh") for number in numbers)]

    def layers(self, root: nn.Module, matched: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return the layers to mask of every target, given those that `targets.match` found: a pair as one."""
        return {target: list(names) for target, names in matched.items()}
