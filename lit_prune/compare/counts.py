"""Counts of the entries that subnetworks keep, alone and in pairs; by layer, target or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lit_prune.compare.sources import Subnetwork
from lit_prune.sparsity.overlap import Floats, overlap
from lit_prune.sparsity.targets import layer_of, targets_of

TOP = "top"  # where poolers and heads are: in no layer


@dataclass(frozen=True)
class Counts:
    """Kept entries of every matrix.

    Attributes:
        names: What the subnetworks are called.
        layers: The layer of each matrix (matrices,), `TOP` outside of any.
        targets: The target of each matrix (matrices,).
        size: Entries of each matrix (matrices,).
        kept: Kept entries (subnetworks, matrices).
        both: Entries that both of a pair keep (pairs, matrices), in the order of `pairs`.
    """

    names: tuple[str, ...]
    layers: tuple[str, ...]
    targets: tuple[str, ...]
    size: NDArray[np.int64]
    kept: NDArray[np.int64]
    both: NDArray[np.int64]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of subnetworks, by number."""
        return list(combinations(range(len(self.names)), 2))

    @cached_property
    def all_layers(self) -> list[str]:
        """The layers in order, `TOP` last."""
        return sorted(set(self.layers), key=lambda layer: (layer == TOP, *map(int, layer.split(".") * (layer != TOP))))

    @cached_property
    def all_targets(self) -> list[str]:
        """The targets, in the order in which the model has them first."""
        return list(dict.fromkeys(self.targets))

    def chosen(self, layer: str | None = None, target: str | None = None) -> NDArray[np.bool_]:
        """Select the matrices of a layer and a target, (matrices,); None: any."""
        return np.array(
            [layer in (None, own) and target in (None, of) for own, of in zip(self.layers, self.targets, strict=True)]
        )

    def share(self, chosen: NDArray[np.bool_]) -> Floats:
        """Compute the density of each subnetwork in these matrices (subnetworks,); NaN if there are none."""
        total = self.size[chosen].sum()
        return np.asarray(self.kept[:, chosen].sum(axis=1) / (total or np.nan))

    def overlaps(self, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Compute the overlap of each pair in these matrices, and that of random masks, (pairs,) each."""
        one, other = np.array(self.pairs, dtype=int).reshape(-1, 2).T
        kept = self.kept[:, chosen]
        return overlap(self.both[:, chosen], kept[one], kept[other], self.size[chosen])


def count(subnetworks: Sequence[Subnetwork]) -> Counts:
    """Count what subnetworks of one architecture keep; one matrix of each is in memory at a time."""
    shapes = subnetworks[0].shapes
    kept, both = [], []
    for name in shapes:
        bits = np.stack([each.read(name) for each in subnetworks])
        kept.append(_num_kept(bits))
        shared = [_num_kept(bits[number] & bits[number + 1 :]) for number in range(len(bits) - 1)]
        both.append(np.concatenate([*shared, np.zeros(0, dtype=np.int64)]))
    targets = targets_of(shapes)
    return Counts(
        names=tuple(each.name for each in subnetworks),
        layers=tuple(layer_of(name) or TOP for name in shapes),
        targets=tuple(targets.values()),
        size=np.array([np.prod(shape) for shape in shapes.values()]),
        kept=np.stack(kept, axis=1),
        both=np.stack(both, axis=1),
    )


def _num_kept(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_count(bits).sum(axis=-1), dtype=np.int64)
