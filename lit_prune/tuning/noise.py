"""Tuning of all entries with noise that regularises towards the pretrained encoder."""

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.tuning.changes import Change, MixedChange, ResetChange, ThinnedChange, add_changes, changes_in
from lit_prune.tuning.method import Method


class Noisy(Method):
    """A method that tunes all entries of the targets by additive changes."""

    @abstractmethod
    def change(self, original: Tensor) -> Change:
        """Return the parametrization of a tensor."""

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Install the changes and freeze the rest of the encoder."""
        names = self.names(root)
        root.get_submodule("encoder").requires_grad_(False)
        add_changes(root, names, self.change)


class Mixout(Noisy):
    """Tuning with random weights replaced by their pretrained values in each step (Lee et al. 2020, Mixout).

    Args:
        probability: Probability that a weight has its pretrained value, at least 0 and below 1.
        targets: Name patterns of tensors, None for all tensors of the encoder.
        at: `training`, or `evaluation` to draw new weights before each evaluation and none in training, as in the code
            of Fu et al. 2023; the result keeps the draw of the selected evaluation.
    """

    def __init__(
        self,
        probability: float = 0.9,
        targets: list[str] | None = None,
        at: Literal["training", "evaluation"] = "training",
    ) -> None:
        super().__init__(targets)
        if not 0 <= probability < 1:
            raise UserError(f"probability must be at least 0 and below 1, got {probability}: the default is 0.9")
        self.probability = probability
        self.at = at

    def change(self, original: Tensor) -> Change:
        """Return a change with noise in training or evaluation."""
        return MixedChange(original, self.probability) if self.at == "training" else ResetChange(original)

    def before_evaluation(self, root: nn.Module, step: int) -> None:
        """Draw the entries to reset in the evaluation, by the run's seed and the step."""
        generator = torch.Generator().manual_seed(torch.initial_seed() + step)
        for change in changes_in(root).values():
            if isinstance(change, ResetChange):
                change.draw(self.probability, generator)


class ChildTuningFree(Noisy):
    """Tuning of a random part of the entries in each step (Xu et al. 2021, Child-Tuning F).

    Child-Tuning D is `ChosenEntries` with a `GradientCriterion` of squares and global scope.

    Args:
        reserved: Probability that an entry receives its gradient, above 0 and at most 1.
        targets: Name patterns of tensors, None for all tensors of the encoder.
    """

    def __init__(self, reserved: float = 0.3, targets: list[str] | None = None) -> None:
        super().__init__(targets)
        if not 0 < reserved <= 1:
            raise UserError(f"reserved must be above 0 and at most 1, got {reserved}: the default is 0.3")
        self.reserved = reserved

    def change(self, original: Tensor) -> Change:
        """Return a change with dropout on its gradient."""
        return ThinnedChange(original, self.reserved)
