"""Densities and overlaps of subnetworks, as tables and as data frames."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lit_prune.compare.counts import Counts
from lit_prune.display.table import NONE, Table

_BY_CHANCE = (
    "Overlap: entries that both keep, over those that either keeps. In brackets: of two independent random masks that "
    "keep as many entries of each matrix."
)


def tables(counts: Counts) -> list[Table]:
    """Return tables of the runs and their densities by target and layer, and of overlaps if there are several runs."""
    named = [[str(number), name] for number, name in enumerate(counts.names, start=1)]
    numbers = [row[:1] for row in named]
    everywhere, layers, targets = _places(counts)
    by_target, by_layer = _densities(counts, targets), _densities(counts, layers)
    whole = f"Density of {counts.size.sum():,} weights of {len(counts.size)} matrices."
    shown = [
        Table("Subnetworks", ["", "run", "density"], _beside(named, _densities(counts, everywhere)), 2, [whole]),
        Table("Density by kind of matrix", ["run", *counts.all_targets], _beside(numbers, by_target), 1),
        Table("Density by layer", ["run", *counts.all_layers], _beside(numbers, by_layer), 1),
    ]
    if counts.pairs:
        pairs = [[f"{first + 1} and {second + 1}"] for first, second in counts.pairs]
        by_target, by_layer = _overlaps(counts, targets), _overlaps(counts, layers)
        shown += [
            Table("Overlap", ["runs", "overlap"], _beside(pairs, _overlaps(counts, everywhere)), 1, [_BY_CHANCE]),
            Table("Overlap by kind of matrix", ["runs", *counts.all_targets], _beside(pairs, by_target), 1),
            Table("Overlap by layer", ["runs", *counts.all_layers], _beside(pairs, by_layer), 1),
        ]
    return shown


def density_rows(counts: Counts) -> pd.DataFrame:
    """Return the numbers of kept and of all entries, a row per run, layer and target."""
    cells = [(layer, target) for layer in counts.all_layers for target in counts.all_targets]
    columns = ["run", "layer", "target", "num_kept", "num_total", "density"]
    rows = []
    for layer, target in cells:
        selected = counts.select(layer, target)
        if selected.any():
            total = counts.size[selected].sum()
            for name, num_kept in zip(counts.names, counts.kept[:, selected].sum(axis=1), strict=True):
                rows.append((name, layer, target, num_kept, total, num_kept / total))
    return pd.DataFrame(rows, columns=columns)


def overlap_rows(counts: Counts) -> pd.DataFrame:
    """Return the overlaps of pairs of runs over all matrices (layer and target empty), by layer and by target."""
    rows = []
    for layer, target in _named_places(counts):
        found, by_chance = counts.overlaps(counts.select(layer, target))
        for (first, second), *values in zip(counts.pairs, found, by_chance, strict=True):
            rows.append((counts.names[first], counts.names[second], layer, target, *values))
    return pd.DataFrame(rows, columns=["run", "other", "layer", "target", "overlap", "by_chance"])


def _named_places(counts: Counts) -> Iterator[tuple[str | None, str | None]]:
    yield None, None
    yield from ((layer, None) for layer in counts.all_layers)
    yield from ((None, target) for target in counts.all_targets)


def _places(counts: Counts) -> tuple[list[NDArray[np.bool_]], list[NDArray[np.bool_]], list[NDArray[np.bool_]]]:
    """Return masks of matrices: of all together, of each layer and of each target."""
    return (
        [counts.select()],
        [counts.select(layer=layer) for layer in counts.all_layers],
        [counts.select(target=target) for target in counts.all_targets],
    )


def _densities(counts: Counts, places: Sequence[NDArray[np.bool_]]) -> list[list[str]]:
    rows = zip(*(counts.density(place) for place in places), strict=True)
    return [[f"{density:.3f}" for density in row] for row in rows]


def _overlaps(counts: Counts, places: Sequence[NDArray[np.bool_]]) -> list[list[str]]:
    columns = [zip(*counts.overlaps(place), strict=True) for place in places]
    return [
        [f"{found:.3f} ({by_chance:.3f})" if found or by_chance else NONE for found, by_chance in row]
        for row in zip(*columns, strict=True)
    ]


def _beside(names: Sequence[Sequence[str]], figures: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[*name, *row] for name, row in zip(names, figures, strict=True)]
