"""Structures: the units of a matrix that are pruned (Xia & Shin 2021, section 2)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.layers import LowRankLinear, MaskedLayer, MaskedLinear
from lit_prune.sparsity.masks import Mask
from lit_prune.sparsity.pairs import RankPair, split_pairs
from lit_prune.sparsity.svd import Factors
from lit_prune.sparsity.whitenings import Whitening

Group = Mapping[str, tuple[slice | Tensor, ...]]  # layer -> index of its entries that the group has


class Structure(ABC):
    """The unit that is pruned: single weights, ranks, or groups of entries that span matrices.

    Attributes:
        needs_losses: True if `use` is to be called before layers are masked.
    """

    needs_losses: bool = False

    def use(self, layers: Mapping[str, nn.Module], losses: Losses, sum_processes: Sum) -> None:  # noqa: B027
        """Gather statistics of batches.

        Args:
            layers: The layers that are going to be masked, by name.
            losses: Yields the losses of a number of batches, on this process's part of each batch.
            sum_processes: Sums a tensor over all processes.
        """

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
    """A singular value with its two vectors: a column of U and a row of V^T.

    Args:
        whitening: The norm in which a matrix is decomposed; criteria then score the singular values of the whitened
            matrix. If None, the plain decomposition.
    """

    def __init__(self, whitening: Whitening | None = None) -> None:
        self.whitening = whitening
        self.needs_losses = whitening is not None
        self._factors: dict[nn.Module, Factors] = {}

    def use(self, layers: Mapping[str, nn.Module], losses: Losses, sum_processes: Sum) -> None:
        """Gather the statistics of the whitening, each used once."""
        assert self.whitening is not None
        found = self.whitening.factors(layers, losses, sum_processes)
        self._factors = {layers[name]: factors for name, factors in found.items()}

    def __call__(self, linear: nn.Linear | RankPair, make_mask: Callable[[Tensor], Mask]) -> MaskedLayer:
        """`LowRankLinear` of the weight's singular value decomposition; the singular values are masked.

        Of a pair it has no more ranks than the pair. A layer that comes from a checkpoint has no statistics, and needs
        none: its factors are loaded.
        """
        factors = self._factors.pop(linear, None)
        if isinstance(linear, RankPair):
            return LowRankLinear.from_linear(linear.to_linear(), make_mask, linear.rank, factors)
        return LowRankLinear.from_linear(linear, make_mask, factors=factors)

    def trained_names(self, linear: nn.Linear | RankPair, is_learned: bool) -> list[str]:
        """Return the singular values, and the blocks of both factors."""
        num_ranks = linear.rank if isinstance(linear, RankPair) else min(linear.out_features, linear.in_features)
        size = -(-num_ranks // (1 if is_learned else LowRankLinear.BLOCKS))
        numbers = range(-(-num_ranks // size))
        return ["sigma", *(f"{factor}_blocks.{number}" for factor in ("ut", "vh") for number in numbers)]

    def layers(self, root: nn.Module, matched: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return the layers to mask of every target, given those that `targets.match` found: a pair as one."""
        return {target: list(names) for target, names in matched.items()}
