"""Exact counts of what is kept, and of what they are a share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from lit_prune.sparsity.install import masked_layers
from lit_prune.sparsity.pairs import rank_pairs

KINDS = {"weight": "weights", "sigma": "singular values"}  # what is masked


@dataclass(frozen=True)
class Count:
    """Kept entries among all of one or more matrices."""

    num_kept: int
    num_total: int

    @classmethod
    def of(cls, keeps: Sequence[Tensor]) -> "Count":
        """Return the count of masks (bool, True for kept)."""
        return cls(sum(int(keep.count_nonzero()) for keep in keeps), sum(keep.numel() for keep in keeps))

    @property
    def sparsity(self) -> float:
        """The removed fraction."""
        return (self.num_total - self.num_kept) / self.num_total


def count(root: nn.Module) -> dict[str, Count]:
    """Kept entries of every masked layer by name, in module order; where masks differ by task, of all together.

    Without masks, kept ranks of every pair.
    """
    counts = {}
    for name, layer in masked_layers(root).items():
        counts[name] = Count.of(list(layer.mask.by_task.values()))
    return counts or {name: Count(pair.rank, pair.num_ranks) for name, pair in rank_pairs(root).items()}


def kinds_of(root: nn.Module) -> list[str]:
    """Return the kinds of entries that `count` counts: "weights", "singular values"."""
    layers = masked_layers(root) or rank_pairs(root)
    return sorted({KINDS[layer.MASKED] for layer in layers.values()})


def total(counts: Iterable[Count]) -> Count:
    """Return the sum of counts."""
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
    """Return the denominator of sparsity, as "10,765,824 weights of 38 matrices (query, key)"."""
    of_tasks = max((len(layer.mask.by_task) for layer in masked_layers(root).values()), default=1)
    by_task = f", on average over {of_tasks} tasks" if of_tasks > 1 else ""
    masked, pairs = masked_layers(root), rank_pairs(root)
    sizes = [layer.masked.numel() for layer in masked.values()] or [pair.num_ranks for pair in pairs.values()]
    kinds = " and ".join(kinds_of(root))
    return f"{sum(sizes):,} {kinds} of {len(sizes)} matrices ({', '.join(matched)}){by_task}"
