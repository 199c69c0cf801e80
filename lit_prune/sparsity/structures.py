"""Which groups: what of a matrix is kept or pruned as one (Xia & Shin 2021, section 2)."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.masks import Mask


class Structure(ABC):
    """What of a matrix is kept or pruned as one."""

    @abstractmethod
    def __call__(self, linear: nn.Linear, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """A masked layer in the place of a linear one.

        Args:
            linear: The layer.
            make_mask: Makes the mask, from the tensor that is masked.
        """


class Element(Structure):
    """Each entry of the weight by itself."""

    def __call__(self, linear: nn.Linear, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """`MaskedLinear` around the same parameters; the weight is masked."""
        return MaskedLinear.from_linear(linear, make_mask)


class Rank(Structure):
    """A singular value with its two vectors: a column of U and a row of V^T."""

    def __call__(self, linear: nn.Linear, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """`LowRankLinear` of the weight's singular value decomposition; the singular values are masked."""
        return LowRankLinear.from_linear(linear, make_mask)
