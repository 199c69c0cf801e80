"""Tensors of which some entries are tuned, and the others stay what they were (Fu et al. 2023, sparse fine-tuning).

The tuned entries alone are parameters: whatever an optimizer does (momentum, decay), no other entry can move, and its
state is of their number.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.utils import parametrize

from lit_prune.tuning.names import plain


class TunedEntries(nn.Module):
    """A parametrization of a frozen tensor that has trained values in the place of some entries.

    Args:
        original: The tensor.
        index: Which entries are tuned, as places in the flattened tensor (entries,) int64.

    Attributes:
        values: Theirs: (entries,), of a matrix (entries, 1), so that weight decay that leaves out vectors takes it.
    """

    index: Tensor

    def __init__(self, original: Tensor, index: Tensor) -> None:
        super().__init__()
        self.register_buffer("index", index)
        values = original.detach().flatten()[index]
        self.values = nn.Parameter(values if original.ndim == 1 else values[:, None])

    def forward(self, original: Tensor) -> Tensor:
        """The tensor with the trained values in it."""
        return with_values(original, self.index, self.values)


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
        owner, _, own = name.rpartition(".")
        module = root.get_submodule(owner)
        parameter = module.get_parameter(own).requires_grad_(False)
        if len(index):
            parametrize.register_parametrization(module, own, TunedEntries(parameter, index))


def tuned_entries(root: nn.Module) -> dict[str, TunedEntries]:
    """The parametrizations of a network, by the names that their tensors had."""
    return {plain(name): module for name, module in root.named_modules() if isinstance(module, TunedEntries)}
