"""All entries are tuned, under a noise that holds them to the pretrained encoder."""

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.tuning.changes import Change, MixedChange, ResetChange, ThinnedChange, add_changes, changes_in
from lit_prune.tuning.method import Losses, Method, Sum


class Noisy(Method):
    """All entries of the targets are tuned, by what is added to them."""

    @abstractmethod
    def change(self, original: Tensor) -> Change:
        """The parametrization of a tensor."""

    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Train what is added."""
        names = self.names(root)
        root.get_submodule("encoder").requires_grad_(False)
        add_changes(root, names, self.change)


class Mixout(Noisy):
    """Each step takes pretrained values in the place of some weights, at random (Lee et al. 2020, Mixout).

    Args:
        probability: Of a weight to be its pretrained value in a step, from 0 to below 1.
        targets: Name patterns of the tensors, None: all of the encoder's.
        at: In `training`; or in `evaluation` alone, each of which draws anew, as in the code of Fu et al. 2023: the
            result is what the selected evaluation drew.
    """

    def __init__(
        self,
        probability: float = 0.9,
        targets: list[str] | None = None,
        at: Literal["training", "evaluation"] = "training",
    ) -> None:
        super().__init__(targets)
        if not 0 <= probability < 1:
            raise UserError(f"probability is {probability}, needed is one from 0 to below 1")
        self.probability = probability
        self.at = at

    def change(self, original: Tensor) -> Change:
        """A change of which training or evaluation leaves out a part."""
        return MixedChange(original, self.probability) if self.at == "training" else ResetChange(original)

    def before_evaluation(self, root: nn.Module, step: int) -> None:
        """Draw what the evaluation leaves out, by the run's seed and the step."""
        generator = torch.Generator().manual_seed(torch.initial_seed() + step)
        for change in changes_in(root).values():
            if isinstance(change, ResetChange):
                change.draw(self.probability, generator)


class ChildTuningFree(Noisy):
    """Each step gives a random part of the entries their gradient (Xu et al. 2021, Child-Tuning F).

    Child-Tuning D is `ChosenEntries` by `GradientCriterion` of squares, with the scope `global`.

    Args:
        reserved: The probability of an entry to get its gradient, above 0 up to 1.
        targets: Name patterns of the tensors, None: all of the encoder's.
    """

    def __init__(self, reserved: float = 0.3, targets: list[str] | None = None) -> None:
        super().__init__(targets)
        if not 0 < reserved <= 1:
            raise UserError(f"reserved is {reserved}, needed is a share above 0 up to 1")
        self.reserved = reserved

    def change(self, original: Tensor) -> Change:
        """A change that gets a part of its gradient."""
        return ThinnedChange(original, self.reserved)
