"""Exact counts of what is kept, and of what they are a share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from lit_prune.sparsity.install import masked_layers

KINDS = {"weight": "weights", "sigma": "singular values"}  # what is masked


@dataclass(frozen=True)
class Count:
    """Kept entries among all of one or more matrices."""

    num_kept: int
    num_total: int

    @property
    def sparsity(self) -> float:
        """The removed fraction."""
        return (self.num_total - self.num_kept) / self.num_total


def count(root: nn.Module) -> dict[str, Count]:
    """Kept entries of every masked layer by name, in module order; where masks differ by task, of all together."""
    counts = {}
    for name, layer in masked_layers(root).items():
        keeps = list(layer.mask.keeps.values())
        counts[name] = Count(sum(int(keep.count_nonzero()) for keep in keeps), len(keeps) * layer.masked.numel())
    return counts


def total(counts: Iterable[Count]) -> Count:
    """The sum of counts."""
    counts = list(counts)
    return Count(sum(one.num_kept for one in counts), sum(one.num_total for one in counts))


def by_target(counts: Mapping[str, Count], matched: Mapping[str, Sequence[str]]) -> dict[str, Count]:
    """Kept entries of every target.

    Args:
        counts: Counts by layer.
        matched: Names of the layers of every target, as `targets.match` returns them.
    """
    return {target: total(counts[name] for name in names) for target, names in matched.items()}


def denominator(root: nn.Module, matched: Mapping[str, Sequence[str]]) -> str:
    """What sparsity is a share of, as "10,765,824 weights of 38 matrices (query, key)"."""
    layers = masked_layers(root).values()
    kinds = " and ".join(sorted({KINDS[layer.MASKED] for layer in layers}))
    of_tasks = max((len(layer.mask.keeps) for layer in layers), default=1)
    by_task = f", on average over {of_tasks} tasks" if of_tasks > 1 else ""
    num = sum(layer.masked.numel() for layer in layers)
    return f"{num:,} {kinds} of {len(layers)} matrices ({', '.join(matched)}){by_task}"
