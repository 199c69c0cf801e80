"""Tensors of which some entries are tuned, and the others stay what they were (Fu et al. 2023, sparse fine-tuning).

The tuned entries alone are parameters: whatever an optimizer does (momentum, decay), no other entry can move, and its
state is of their number. They are written into the tensor itself: a copy of every matrix in each step would cost more
than the optimizer saves.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils import parametrize

from lit_prune.tuning.names import owner_of, plain


class TunedEntries(nn.Module):
    """A parametrization of a frozen tensor that has trained values in the place of some entries.

    Args:
        original: The tensor, contiguous.
        index: Which entries are tuned, as places in the flattened tensor (entries,) int64.

    Attributes:
        values: Theirs: (entries,), of a matrix (entries, 1), so that weight decay that leaves out vectors takes it.
        before: What they were before, (entries,).
    """

    index: Tensor
    before: Tensor

    def __init__(self, original: Tensor, index: Tensor) -> None:
        super().__init__()
        values = original.detach().flatten()[index]
        self.register_buffer("index", index)
        self.register_buffer("before", values.clone(), persistent=False)
        self.values = nn.Parameter(values if original.ndim == 1 else values[:, None])

    def forward(self, original: Tensor) -> Tensor:
        """The tensor with the trained values in it, written there."""
        if torch.compiler.is_compiling():
            return with_values(original, self.index, self.values)
        # By its data: to autograd the tensor is the same however often it is asked for in one forward pass.
        original.data.view(-1).index_copy_(0, self.index, self.values.data.flatten())
        written: Tensor = _Written.apply(original, self.index, self.values)  # type: ignore[no-untyped-call]
        return written

    def untuned(self, original: Tensor) -> Tensor:
        """A copy of the tensor as it was before."""
        return with_values(original.detach(), self.index, self.before)


class _Written(torch.autograd.Function):
    """A tensor that holds values in the place of some entries, which get these entries' gradients."""

    @staticmethod
    def forward(ctx: Any, original: Tensor, index: Tensor, values: Tensor) -> Tensor:
        ctx.save_for_backward(index)
        ctx.shape = values.shape
        return original.view_as(original)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[None, None, Tensor]:
        (index,) = ctx.saved_tensors
        return None, None, grad_output.reshape(-1).index_select(0, index).view(ctx.shape)


def with_values(original: Tensor, index: Tensor, values: Tensor) -> Tensor:
    """A tensor with values in the place of some entries, told as by `TunedEntries`."""
    return original.flatten().index_copy(0, index, values.flatten()).view_as(original)


def tune(root: nn.Module, indices: Mapping[str, Tensor]) -> None:
    """Have these entries tuned, and the rest of their tensors frozen; in place.

    Args:
        root: The network.
        indices: Name of a parameter -> its entries, as `TunedEntries` takes them; one without an entry is frozen.
    """
    for name, index in indices.items():
        module, own = owner_of(root, name)
        parameter = module.get_parameter(own).requires_grad_(False)
        if len(index):
            parametrize.register_parametrization(module, own, TunedEntries(parameter, index))


def tuned_entries(root: nn.Module) -> dict[str, TunedEntries]:
    """The parametrizations of a network, by the names that their tensors had."""
    return {plain(name): module for name, module in root.named_modules() if isinstance(module, TunedEntries)}


def frozen_tensors(root: nn.Module) -> dict[str, Tensor]:
    """What is not trained of the network's parameters, by their plain names, tuned entries as they were before."""
    frozen = {plain(name): value for name, value in root.named_parameters() if not value.requires_grad}
    tuned = {name: each.untuned(frozen[name]) for name, each in tuned_entries(root).items()}
    return frozen | tuned
