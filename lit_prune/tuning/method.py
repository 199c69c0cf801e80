"""`Method`: the base class of methods that tune an encoder; heads are always trained."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from lit_prune.sparsity.criteria.criterion import Losses, Sum
from lit_prune.sparsity.targets import named_by


class Method(ABC):
    """A method that tunes an encoder.

    Args:
        targets: Name patterns of the tensors that may be tuned, None for all tensors of the encoder.

    Attributes:
        searches: True if a search phase before tuning selects the entries to tune.
    """

    searches: ClassVar[bool] = False

    def __init__(self, targets: list[str] | None = None) -> None:
        self.targets = targets

    def names(self, root: nn.Module) -> list[str]:
        """Return the names of the tensors that may be tuned, before tuning begins.

        Args:
            root: The model, with the child `encoder`.

        Raises:
            UserError: A pattern matches no tensor.
        """
        known = [name for name, value in root.named_parameters() if name.startswith("encoder.") and value.requires_grad]
        return named_by(self.targets, known, "targets")

    def check(self, root: nn.Module) -> None:
        """Check that the method can tune a model.

        Raises:
            UserError: The method does not support the model.
        """
        self.names(root)

    def searched_names(self, root: nn.Module) -> list[str]:
        """Return the names of the encoder's parameters that the search trains, before `begin_search` is called."""
        return _trained(root, self.begin_search)

    def tuned_names(self, root: nn.Module) -> list[str]:
        """Return the names of the encoder's parameters that tuning may train, before `begin` is called."""
        return _trained(root, lambda copied: self.begin(copied, lambda _: iter(()), lambda tensor: tensor))

    def begin_search(self, root: nn.Module) -> None:
        """Prepare the model for the search, in place; also called when a run resumes in the search."""
        raise NotImplementedError(f"{type(self).__name__} searches nothing")

    def after_search_step(self, root: nn.Module, step: int) -> dict[str, float]:
        """Update the model after a step of the search, counted from 1, and return values to log."""
        return {}

    def penalty(self, root: nn.Module) -> Tensor | float:
        """Return the penalty that the search adds to the loss."""
        return 0.0

    def before_evaluation(self, root: nn.Module, step: int) -> None:  # noqa: B027  # most do nothing
        """Update the model before an evaluation, equally on all processes.

        Args:
            root: The model.
            step: Number of optimizer steps so far.
        """

    @abstractmethod
    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Prepare the model for tuning, in place, and freeze the rest of its encoder."""

    def restore(self, root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Prepare the model for tuning, in place, so that a state dict of a tuned model can be loaded."""
        self.begin(root, lambda _: iter(()), lambda tensor: tensor)


def _trained(root: nn.Module, prepare: Callable[[nn.Module], None]) -> list[str]:
    """Return the names of trained parameters of a prepared copy of the encoder; the random state does not change."""
    copied = nn.ModuleDict({"encoder": copy.deepcopy(root.get_submodule("encoder"))})
    with torch.random.fork_rng():
        prepare(copied)
    return [name for name, value in copied.named_parameters() if value.requires_grad]
