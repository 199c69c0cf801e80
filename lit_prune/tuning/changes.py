"""Tensors trained by an additive change: `original + delta`, with the original frozen.

Weight decay then pulls towards the pretrained weights, and noise and gates act on the change.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lit_prune.tuning.names import owner_of, plain


class Change(nn.Module):
    """A parametrization of a frozen tensor that adds a trained tensor.

    Args:
        original: The frozen tensor.

    Attributes:
        delta: The trained tensor, initially 0.
    """

    def __init__(self, original: Tensor) -> None:
        super().__init__()
        self.delta = nn.Parameter(torch.zeros_like(original))

    def forward(self, original: Tensor) -> Tensor:
        """Return the changed tensor."""
        return original + (self.in_training() if self.training else self.in_evaluation())

    def in_training(self) -> Tensor:
        """Return the change in training."""
        return self.delta

    def in_evaluation(self) -> Tensor:
        """Return the change in evaluation."""
        return self.delta


class MixedChange(Change):
    """A change with dropout in training (Lee et al. 2020, Mixout).

    With probability p a weight has its pretrained value: ((1 - b) w0 + b w - p w0) / (1 - p), with b = 0 with
    probability p, equals w0 plus dropout of w - w0. As in the authors' code, dropout is drawn once per column.

    Args:
        original: The frozen tensor.
        probability: p.
    """

    def __init__(self, original: Tensor, probability: float) -> None:
        super().__init__(original)
        self.probability = probability

    def in_training(self) -> Tensor:
        """Return the change after dropout; its expectation is the change."""
        scale = self.delta.new_ones(self.delta.shape[-1:])
        return self.delta * nn.functional.dropout(scale, self.probability)


class ResetChange(Change):
    """A change whose entries are reset at random in evaluation, not in training (the code of Fu et al. 2023, MixOut).

    Args:
        original: The frozen tensor.

    Attributes:
        stays: Mask of the entries that are not reset (bool), drawn by `draw`.
    """

    stays: Tensor

    def __init__(self, original: Tensor) -> None:
        super().__init__(original)
        self.register_buffer("stays", torch.ones_like(original, dtype=torch.bool))

    def draw(self, probability: float, generator: torch.Generator) -> None:
        """Draw the entries to reset, with this probability."""
        self.stays.copy_(torch.rand(self.stays.shape, generator=generator) >= probability)

    def in_evaluation(self) -> Tensor:
        """Return the change without reset entries."""
        return self.delta * self.stays


class ThinnedChange(Change):
    """A change with dropout on its gradient (Xu et al. 2021, Child-Tuning F).

    Args:
        original: The frozen tensor.
        reserved: Probability that an entry receives its gradient.
    """

    def __init__(self, original: Tensor, reserved: float) -> None:
        super().__init__(original)
        self.reserved = reserved

    def in_training(self) -> Tensor:
        """Return the change, with dropout on its gradient."""
        thinned = nn.functional.dropout(self.delta, 1 - self.reserved)
        return self.delta.detach() + (thinned - thinned.detach())


class GatedChange(Change):
    """A change with learned hard-concrete gates (Guo et al. 2021, Diff pruning; Louizos et al. 2018).

    A gate is z = min(1, max(0, s (r - l) + l)), with s = sigmoid(log u - log(1 - u) + alpha) and uniform u in training,
    s = sigmoid(alpha) in evaluation; r = -l is `STRETCH`, as in the code of Fu et al. 2023.

    Args:
        original: The frozen tensor.

    Attributes:
        alpha: Logits of the gates, initially sigmoids of normal numbers, as in that code.
    """

    STRETCH: ClassVar[float] = 3.0
    SMALLEST: ClassVar[float] = 1e-6  # u is between this and 1 minus this

    def __init__(self, original: Tensor) -> None:
        super().__init__(original)
        self.alpha = nn.Parameter(torch.randn_like(original).sigmoid())

    def in_training(self) -> Tensor:
        """Return the change multiplied by random gates."""
        noise = torch.empty_like(self.alpha).uniform_(self.SMALLEST, 1 - self.SMALLEST).logit()
        return gate(self.alpha + noise) * self.delta

    def in_evaluation(self) -> Tensor:
        """Return the change multiplied by deterministic gates."""
        return gate(self.alpha) * self.delta

    def open_probability(self) -> Tensor:
        """Return the probability that a gate is not 0, sigmoid(alpha - log(-l / r))."""
        return self.alpha.sigmoid()


def gate(alpha: Tensor) -> Tensor:
    """Return the values of gates, from 0 to 1, at sigmoid(alpha)."""
    stretch = GatedChange.STRETCH
    return (alpha.sigmoid() * 2 * stretch - stretch).clamp(0, 1)


def add_changes(root: nn.Module, names: Iterable[str], make: Callable[[Tensor], Change]) -> None:
    """Train tensors by additive changes, in place.

    Args:
        root: The model.
        names: Names of its parameters.
        make: Creates the parametrization of a tensor.
    """
    for name in names:
        module, tensor_name = owner_of(root, name)
        parameter = module.get_parameter(tensor_name).requires_grad_(False)
        parametrize.register_parametrization(module, tensor_name, make(parameter))


def remove_changes(root: nn.Module, names: Iterable[str]) -> None:
    """Remove changes, in place; the tensors are their frozen originals again."""
    for name in names:
        parametrize.remove_parametrizations(*owner_of(root, name), leave_parametrized=False)


def changes_in(root: nn.Module) -> dict[str, Change]:
    """Return the changes in a model by the names of their tensors."""
    return {plain(name): module for name, module in root.named_modules() if isinstance(module, Change)}
