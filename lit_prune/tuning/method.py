"""`Method`: a way to tune an encoder, whose heads are trained in any case."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from lit_prune.sparsity.targets import named_by

Losses = Callable[[int], Iterator[Tensor]]  # so many batches of training -> the loss of each
Sum = Callable[[Tensor], Tensor]  # adds a tensor up over all processes


class Method(ABC):
    """What of an encoder is tuned, and how.

    Args:
        targets: Name patterns of the tensors that may be tuned, None: all of the encoder's.

    Attributes:
        searches: It finds out what to tune in a phase of its own, before.
    """

    searches: ClassVar[bool] = False

    def __init__(self, targets: list[str] | None = None) -> None:
        self.targets = targets

    def names(self, root: nn.Module) -> list[str]:
        """The names of the tensors that may be tuned, of a network that is not tuned yet.

        Args:
            root: The network, which has the child `encoder`.

        Raises:
            UserError: a pattern names none.
        """
        known = [name for name, value in root.named_parameters() if name.startswith("encoder.") and value.requires_grad]
        return named_by(self.targets, known, "targets")

    def check(self, root: nn.Module) -> None:
        """Whether the method can tune a network.

        Raises:
            UserError: it cannot.
        """
        self.names(root)

    def searched_names(self, root: nn.Module) -> list[str]:
        """Return the names of the encoder's parameters that the search trains, of a network that is not shaped yet."""
        return _trained(root, self.begin_search)

    def tuned_names(self, root: nn.Module) -> list[str]:
        """Return the names of the encoder's parameters that tuning may train, of a network that is not shaped yet."""
        return _trained(root, lambda copied: self.begin(copied, lambda _: iter(()), lambda own: own))

    def begin_search(self, root: nn.Module) -> None:
        """Shape the network for the search, in place; also of a run that is resumed in it."""
        raise NotImplementedError(f"{type(self).__name__} searches nothing")

    def after_search_step(self, root: nn.Module, step: int) -> dict[str, float]:
        """What the search does after each of its steps, counted from 1; what there is to log of it."""
        return {}

    def penalty(self, root: nn.Module) -> Tensor | float:
        """What the search adds to the loss."""
        return 0.0

    def before_evaluation(self, root: nn.Module, step: int) -> None:  # noqa: B027  # most do nothing
        """What tuning does before each of its evaluations, alike on all processes.

        Args:
            root: The network.
            step: Optimizer steps of the run so far.
        """

    @abstractmethod
    def begin(self, root: nn.Module, losses: Losses, sum_processes: Sum) -> None:
        """Shape the network for tuning, in place, and freeze the rest of its encoder."""

    def restore(self, root: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Shape the network for tuning as it was when a state dict was taken of it: as ever, if nothing was chosen."""
        self.begin(root, lambda _: iter(()), lambda own: own)


def _trained(root: nn.Module, shape: Callable[[nn.Module], None]) -> list[str]:
    """Return the names of what a copy of the encoder trains once it is shaped; no random number is drawn."""
    copied = nn.ModuleDict({"encoder": copy.deepcopy(root.get_submodule("encoder"))})
    with torch.random.fork_rng():
        shape(copied)
    return [name for name, value in copied.named_parameters() if value.requires_grad]
