"""Tensors that are trained as what is added to them: `original + delta`, the original frozen.

So decay draws towards the pretrained weights, and what noise or a gate does, it does to the change.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lit_prune.tuning.names import owner_of, plain


class Change(nn.Module):
    """A parametrization of a frozen tensor that adds a trained one of its shape.

    Args:
        original: The tensor.

    Attributes:
        delta: What is added, 0 at first.
    """

    def __init__(self, original: Tensor) -> None:
        super().__init__()
        self.delta = nn.Parameter(torch.zeros_like(original))

    def forward(self, original: Tensor) -> Tensor:
        """The tensor that the network computes with."""
        return original + (self.in_training() if self.training else self.settled())

    def in_training(self) -> Tensor:
        """What is added in training."""
        return self.delta

    def settled(self) -> Tensor:
        """What is added in evaluation."""
        return self.delta


class MixedChange(Change):
    """A change of which training leaves out a part at random, the rest being scaled up (Lee et al. 2020, Mixout).

    With probability p a weight is its pretrained value: ((1 - b) w0 + b w - p w0) / (1 - p), b being 0 with probability
    p, is w0 plus dropout of w - w0. As in the authors' code a matrix draws once for each of its columns.

    Args:
        original: The tensor.
        probability: p.
    """

    def __init__(self, original: Tensor, probability: float) -> None:
        super().__init__(original)
        self.probability = probability

    def in_training(self) -> Tensor:
        """What is added, whose expectation is the whole change."""
        scale = self.delta.new_ones(self.delta.shape[-1:])
        return self.delta * nn.functional.dropout(scale, self.probability)


class ResetChange(Change):
    """A change of which evaluation leaves out entries at random, training none (the code of Fu et al. 2023, MixOut).

    Args:
        original: The tensor.

    Attributes:
        stays: Which entries are not left out, (bool) of its shape; `draw` says it anew.
    """

    stays: Tensor

    def __init__(self, original: Tensor) -> None:
        super().__init__(original)
        self.register_buffer("stays", torch.ones_like(original, dtype=torch.bool))

    def draw(self, probability: float, generator: torch.Generator) -> None:
        """Have each entry left out with this probability."""
        self.stays.copy_(torch.rand(self.stays.shape, generator=generator) >= probability)

    def settled(self) -> Tensor:
        """What is added in evaluation."""
        return self.delta * self.stays


class ThinnedChange(Change):
    """A change that gets a random part of its gradient, scaled up (Xu et al. 2021, Child-Tuning F).

    Args:
        original: The tensor.
        reserved: The probability of an entry to get its gradient.
    """

    def __init__(self, original: Tensor, reserved: float) -> None:
        super().__init__(original)
        self.reserved = reserved

    def in_training(self) -> Tensor:
        """The change itself, with another gradient."""
        thinned = nn.functional.dropout(self.delta, 1 - self.reserved)
        return self.delta.detach() + (thinned - thinned.detach())


class GatedChange(Change):
    """A change under gates that are learned (Guo et al. 2021, Diff pruning; hard-concrete, Louizos et al. 2018).

    A gate is z = min(1, max(0, s (r - l) + l)), in training with s = sigmoid(log u - log(1 - u) + alpha) of a uniform
    u, in evaluation with s = sigmoid(alpha); r = -l is `STRETCH`, as in the code of Fu et al. 2023.

    Args:
        original: The tensor.

    Attributes:
        alpha: How open its gates are, of its shape; at first sigmoids of normal numbers, as in that code.
    """

    STRETCH: ClassVar[float] = 3.0
    SMALLEST: ClassVar[float] = 1e-6  # u is from here to 1 less this

    def __init__(self, original: Tensor) -> None:
        super().__init__(original)
        self.alpha = nn.Parameter(torch.randn_like(original).sigmoid())

    def in_training(self) -> Tensor:
        """What is added under random gates."""
        noise = torch.empty_like(self.alpha).uniform_(self.SMALLEST, 1 - self.SMALLEST).logit()
        return gate(self.alpha + noise) * self.delta

    def settled(self) -> Tensor:
        """What is added under the gates that no noise moves."""
        return gate(self.alpha) * self.delta

    def open(self) -> Tensor:
        """The probability of each gate not to be 0, sigmoid(alpha - log(-l / r))."""
        return self.alpha.sigmoid()


def gate(alpha: Tensor) -> Tensor:
    """The value of gates, from 0 to 1, at sigmoid(alpha)."""
    stretch = GatedChange.STRETCH
    return (alpha.sigmoid() * 2 * stretch - stretch).clamp(0, 1)


def add_changes(root: nn.Module, names: Iterable[str], make: Callable[[Tensor], Change]) -> None:
    """Have tensors trained by what is added to them; in place.

    Args:
        root: The network.
        names: Names of its parameters.
        make: A tensor -> its parametrization.
    """
    for name in names:
        module, own = owner_of(root, name)
        parameter = module.get_parameter(own).requires_grad_(False)
        parametrize.register_parametrization(module, own, make(parameter))


def remove_changes(root: nn.Module, names: Iterable[str]) -> None:
    """Take the changes out again, in place: the tensors are their originals, frozen."""
    for name in names:
        parametrize.remove_parametrizations(*owner_of(root, name), leave_parametrized=False)


def changes_in(root: nn.Module) -> dict[str, Change]:
    """The changes of a network by the names of their tensors."""
    return {plain(name): module for name, module in root.named_modules() if isinstance(module, Change)}
