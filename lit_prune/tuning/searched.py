"""A share of the entries is tuned, found by training all of them first.

The search trains what is added to the pretrained tensors, and every so many steps takes all but the largest changes
back. The entries that are left at its end are tuned further; no other has moved.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.tuning.changes import Change, GatedChange, add_changes, changes_in, remove_changes
from lit_prune.tuning.chosen import Entries
from lit_prune.tuning.entries import tune, tuned_entries
from lit_prune.tuning.method import Losses, Sum


class ChildPruning(Entries):
    """The entries are tuned that the search changes most (Fu et al. 2023, ChildPruning).

    Args:
        every: Steps of the search after which all but the largest changes are taken back.
        share: The fraction of the entries that is tuned, from 0 (the heads alone) to 1.
        scope: Whether that is the share of each `tensor`, or of all together (`global`).
        targets: Name patterns of the tensors, None: all of the encoder's.
    """

    searches = True
    change: ClassVar[type[Change]] = Change

    def __init__(
        self, every: int = 600, share: float = 0.005, scope: str = "tensor", targets: list[str] | None = None
    ) -> None:
        super().__init__(share, scope, targets)
        if every < 1:
            raise UserError(f"every is {every}, needed is a number of steps from 1 on")
        self.every = every
        self.kept: dict[str, Tensor] = {}  # the last time

    def begin_search(self, root: nn.Module) -> None:
        """Have all tensors trained by what is added to them."""
        names = self.names(root)
        root.get_submodule("encoder").requires_grad_(False)
        add_changes(root, names, self.change)

    @torch.no_grad()
    def after_search_step(self, root: nn.Module, step: int) -> dict[str, float]:
        """Take the smaller changes back, where it is time; `kept_again`: how much of the last kept ones that keeps."""
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
        """The entries of the largest changes, as `TunedEntries` takes them."""
        return self.select(root, {name: each.settled().detach().abs() for name, each in changes_in(root).items()})

    @torch.no_grad()
    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Tune the entries of the largest changes further, from where the search has brought them."""
        indices = self.largest(root)
        moved = {name: each.settled().flatten()[indices[name]] for name, each in changes_in(root).items()}
        remove_changes(root, indices)
        tune(root, indices)
        for name, each in tuned_entries(root).items():
            each.values.add_(moved[name].view_as(each.values))


class DiffPruning(ChildPruning):
    """The entries are tuned of the largest changes under learned gates (Guo et al. 2021; Fu et al. 2023, DiffPruning).

    The search adds the mean probability of a gate to be open to the loss. As Guo et al. have it the entries of the
    largest gated changes are kept; the code of Fu et al. keeps those of the largest |alpha|.

    Args:
        weight: What the mean probability is multiplied by.
        every: Steps of the search after which all but the largest changes are taken back.
        share: The fraction of the entries that is tuned, from 0 (the heads alone) to 1.
        scope: Whether that is the share of each `tensor`, or of all together (`global`).
        targets: Name patterns of the tensors, None: all of the encoder's.
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
            raise UserError(f"weight is {weight}, needed is a number from 0 on")
        self.weight = weight

    def penalty(self, root: nn.Module) -> Tensor | float:
        """The mean probability of a gate to be open, times the weight."""
        gates = [each for each in changes_in(root).values() if isinstance(each, GatedChange)]
        num = sum(each.alpha.numel() for each in gates)
        return self.weight * torch.stack([each.open().sum() for each in gates]).sum() / num


def jaccard(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """How many entries are in both of two choices, over how many are in either.

    Args:
        before: Entries of tensors by name, as `TunedEntries` takes them.
        after: Others of the same tensors.
    """
    num_both = sum(int(torch.isin(index, before[name], assume_unique=True).sum()) for name, index in after.items())
    num_all = sum(len(index) for choice in (before, after) for index in choice.values())
    return num_both / max(1, num_all - num_both)
