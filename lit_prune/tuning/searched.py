"""Sparse tuning of entries that a search selects by training all of them first.

The search trains additive changes and periodically resets all but the largest ones. The remaining entries are tuned
further; all other entries keep their pretrained values.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.tuning.changes import Change, GatedChange, add_changes, changes_in, remove_changes
from lit_prune.tuning.chosen import Entries
from lit_prune.tuning.entries import tune, tuned_entries


class ChildPruning(Entries):
    """Sparse tuning of the entries with the largest changes in a search (Fu et al. 2023, ChildPruning).

    Args:
        every: Interval in steps of the search at which all but the largest changes are reset.
        share: Trainable fraction, from 0 (linear probe) to 1.
        scope: `tensor` for the fraction of each tensor, `global` for the fraction of all entries together.
        targets: Name patterns of tensors, None for all tensors of the encoder.
    """

    searches = True
    change: ClassVar[type[Change]] = Change

    def __init__(
        self, every: int = 600, share: float = 0.005, scope: str = "tensor", targets: list[str] | None = None
    ) -> None:
        super().__init__(share, scope, targets)
        if every < 1:
            raise UserError(f"every must be positive, got {every}: it counts steps")
        self.every = every
        self.kept: dict[str, Tensor] = {}  # indices of the entries that the last update kept

    def begin_search(self, root: nn.Module) -> None:
        """Train all tensors by additive changes."""
        names = self.names(root)
        root.get_submodule("encoder").requires_grad_(False)
        add_changes(root, names, self.change)

    @torch.no_grad()
    def after_search_step(self, root: nn.Module, step: int) -> dict[str, float]:
        """Reset the smaller changes at every interval; `kept_again` is the overlap with the entries kept before."""
        if step % self.every:
            return {}
        changes = changes_in(root)
        before, self.kept = self.kept, self.largest(root)
        for name, index in self.kept.items():
            delta = changes[name].delta.view(-1)
            kept = delta[index]
            delta.zero_()[index] = kept
        return {"kept_again": jaccard(before, self.kept)} if before else {}

    def largest(self, root: nn.Module) -> dict[str, Tensor]:
        """Return the indices of the entries with the largest changes; see `TunedEntries`."""
        scores = {name: change.in_evaluation().detach().abs() for name, change in changes_in(root).items()}
        return self.select(root, scores)

    @torch.no_grad()
    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Tune the entries with the largest changes further, from their values in the search."""
        indices = self.largest(root)
        found = {name: change.in_evaluation().flatten()[indices[name]] for name, change in changes_in(root).items()}
        remove_changes(root, indices)
        tune(root, indices)
        for name, entries in tuned_entries(root).items():
            entries.values.add_(found[name].view_as(entries.values))


class DiffPruning(ChildPruning):
    """Sparse tuning of the entries with the largest gated changes (Guo et al. 2021; Fu et al. 2023, DiffPruning).

    The search adds the mean probability of open gates to the loss. As in Guo et al., the entries with the largest gated
    changes are kept; the code of Fu et al. keeps those with the largest |alpha|.

    Args:
        weight: Weight of the mean probability in the loss.
        every: Interval in steps of the search at which all but the largest changes are reset.
        share: Trainable fraction, from 0 (linear probe) to 1.
        scope: `tensor` for the fraction of each tensor, `global` for the fraction of all entries together.
        targets: Name patterns of tensors, None for all tensors of the encoder.
    """

    change = GatedChange

    def __init__(
        self,
        weight: float = 1.0,
        every: int = 600,
        share: float = 0.005,
        scope: str = "tensor",
        targets: list[str] | None = None,
    ) -> None:
        super().__init__(every, share, scope, targets)
        if weight < 0:
            raise UserError(f"weight must not be negative, got {weight}: the default is 1")
        self.weight = weight

    def penalty(self, root: nn.Module) -> Tensor | float:
        """Return the mean probability of open gates, times the weight."""
        gated = [change for change in changes_in(root).values() if isinstance(change, GatedChange)]
        num = sum(change.alpha.numel() for change in gated)
        return self.weight * torch.stack([change.open_probability().sum() for change in gated]).sum() / num


def jaccard(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """Return the Jaccard index (intersection over union) of two selections of entries.

    Args:
        before: Indices of entries by tensor name; see `TunedEntries`.
        after: Indices of entries of the same tensors.
    """
    num_both = sum(int(torch.isin(index, before[name], assume_unique=True).sum()) for name, index in after.items())
    num_all = sum(len(index) for choice in (before, after) for index in choice.values())
    return num_both / max(1, num_all - num_both)
