"""Which groups: what of a matrix is kept or pruned as one (Xia & Shin 2021, section 2)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.masks import Mask
from lit_prune.sparsity.pairs import RankPair, split_pairs


class Structure(ABC):
    """What of a matrix is kept or pruned as one."""

    @abstractmethod
    def __call__(self, linear: nn.Linear | RankPair, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """A masked layer in the place of a linear one.

        Args:
            linear: The layer.
            make_mask: Makes the mask, from the tensor that is masked.
        """

    def layers(self, root: nn.Module, matched: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return the layers to mask of every target, given those that `targets.match` found: both layers of a pair."""
        return split_pairs(root, matched)


class Element(Structure):
    """Each entry of the weight by itself."""

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

    def layers(self, root: nn.Module, matched: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return the layers to mask of every target, given those that `targets.match` found: a pair as one."""
        return {target: list(names) for target, names in matched.items()}
