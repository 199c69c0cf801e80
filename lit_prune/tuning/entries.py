"""Tensors with some trained entries and the rest frozen (Fu et al. 2023, sparse fine-tuning).

Only the tuned entries are parameters, so momentum and decay cannot change frozen entries, and the optimizer's state is
small. Their values are written into the tensor itself, because a copy of every matrix in each step would cost more than
the optimizer saves.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils import parametrize

from lit_prune.tuning.linear import sample_gradients
from lit_prune.tuning.names import owner_of, plain


class TunedEntries(nn.Module):
    """A parametrization of a frozen tensor that replaces some entries by trained values.

    Args:
        original: The frozen tensor, contiguous.
        index: Indices of the tuned entries in the flattened tensor (entries,) int64.

    Attributes:
        values: Trained values: (entries,), or (entries, 1) for a matrix, so that weight decay does not treat it as a
            vector.
        before: Values before tuning (entries,).
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
        """Write the trained values into the tensor and return it."""
        if torch.compiler.is_compiling():
            return with_values(original, self.index, self.values)
        self.write(original)
        written: Tensor = _Written.apply(original, self.index, self.values)  # type: ignore[no-untyped-call]
        return written

    def write(self, original: Tensor) -> None:
        """Write the trained values into the tensor, in place."""
        # By its data, so that autograd allows several writes in one forward pass.
        original.data.view(-1).index_copy_(0, self.index, self.values.data.flatten())

    def untuned(self, original: Tensor) -> Tensor:
        """Return a copy of the tensor before tuning."""
        return with_values(original.detach(), self.index, self.before)


class _Written(torch.autograd.Function):
    """The identity on a tensor with written values, which passes the gradients of these entries to the values."""

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
    """Return a copy of a tensor with some entries replaced; see `TunedEntries` for `index`."""
    return original.flatten().index_copy(0, index, values.flatten()).view_as(original)


def tune(root: nn.Module, indices: Mapping[str, Tensor]) -> None:
    """Tune entries of tensors and freeze the rest of these tensors, in place.

    Args:
        root: The model.
        indices: Indices of entries (see `TunedEntries`) by parameter name; a parameter without entries is frozen.
    """
    for name, index in indices.items():
        module, tensor_name = owner_of(root, name)
        parameter = module.get_parameter(tensor_name).requires_grad_(False)
        if len(index):
            sample_gradients(module, tensor_name, index)
            parametrize.register_parametrization(module, tensor_name, TunedEntries(parameter, index))


def tuned_entries(root: nn.Module) -> dict[str, TunedEntries]:
    """Return the parametrizations in a model, by the plain names of their tensors."""
    return {plain(name): module for name, module in root.named_modules() if isinstance(module, TunedEntries)}


def frozen_tensors(root: nn.Module) -> dict[str, Tensor]:
    """Return the frozen parameters by plain names, with the values before tuning of tuned entries."""
    frozen = {plain(name): value for name, value in root.named_parameters() if not value.requires_grad}
    tuned = {name: each.untuned(frozen[name]) for name, each in tuned_entries(root).items()}
    return frozen | tuned
