"""Numbers of kept weights of subnetworks and of their pairwise intersections, by layer and target."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lit_prune.compare.sources import Subnetwork
from lit_prune.sparsity.overlap import Floats, overlap
from lit_prune.sparsity.targets import layer_of, targets_of

TOP = "top"  # stands for the layer of poolers and heads


@dataclass(frozen=True)
class Counts:
    """Numbers of kept entries of every matrix.

    Attributes:
        names: Names of the subnetworks.
        layers: Layer of each matrix (matrices,), `TOP` for poolers and heads.
        targets: Target of each matrix (matrices,).
        size: Number of entries of each matrix (matrices,).
        kept: Number of kept entries (subnetworks, matrices).
        both: Number of entries that both subnetworks of a pair keep (pairs, matrices), in the order of `pairs`.
    """

    names: tuple[str, ...]
    layers: tuple[str, ...]
    targets: tuple[str, ...]
    size: NDArray[np.int64]
    kept: NDArray[np.int64]
    both: NDArray[np.int64]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of subnetworks, by index."""
        return list(combinations(range(len(self.names)), 2))

    @cached_property
    def all_layers(self) -> list[str]:
        """Layers in order, `TOP` last."""
        return sorted(set(self.layers), key=lambda layer: (layer == TOP, *map(int, layer.split(".") * (layer != TOP))))

    @cached_property
    def all_targets(self) -> list[str]:
        """Targets in the order of the model."""
        return list(dict.fromkeys(self.targets))

    def select(self, layer: str | None = None, target: str | None = None) -> NDArray[np.bool_]:
        """Return the matrices of a layer and a target as a mask (matrices,); None selects all layers or targets."""
        is_layer = np.array([layer in (None, each) for each in self.layers], dtype=bool)
        is_target = np.array([target in (None, each) for each in self.targets], dtype=bool)
        return np.asarray(is_layer & is_target)

    def density(self, selected: NDArray[np.bool_]) -> Floats:
        """Return the density of each subnetwork in the selected matrices (subnetworks,), NaN if none is selected."""
        total = self.size[selected].sum()
        return np.asarray(self.kept[:, selected].sum(axis=1) / (total or np.nan))

    def overlaps(self, selected: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Return the overlap of each pair in the selected matrices, and of random masks (pairs,); see `overlap`."""
        first, second = np.array(self.pairs, dtype=int).reshape(-1, 2).T
        kept = self.kept[:, selected]
        return overlap(self.both[:, selected], kept[first], kept[second], self.size[selected])


def count(subnetworks: Sequence[Subnetwork]) -> Counts:
    """Count the kept entries of subnetworks of one architecture, with one matrix of each in memory at a time."""
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
