"""Tensors of which some entries are tuned, and the others stay what they were (Fu et al. 2023, sparse fine-tuning).

The tuned entries alone are parameters: whatever an optimizer does (momentum, decay), no other entry can move, and its
state is of their number.
"""

import re
from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.utils import parametrize

_PARAMETRIZED = re.compile(r"(^|\.)parametrizations\.")


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
        return original.flatten().index_copy(0, self.index, self.values.flatten()).view_as(original)


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
    return {
        _plain(name).removesuffix(".0"): module
        for name, module in root.named_modules()
        if isinstance(module, TunedEntries)
    }


def indices_in(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Which entries a state dict says are tuned, by the names of their tensors."""
    end = ".0.index"
    return {_plain(name).removesuffix(end): value for name, value in state.items() if _is_part(name, end)}


def fold(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of the network without parametrizations, trained values in their tensors.

    Args:
        state: Of a network with parametrizations; the frozen tensors are in it under their plain names, or as
            `original`.
    """
    folded = {_plain(name): value for name, value in state.items() if not _is_part(name, "")}
    for name, index in indices_in(state).items():
        values = state[_parametrized(name, "0.values")].flatten()
        folded[name] = folded[name].flatten().index_copy(0, index, values).view_as(folded[name])
    return folded


def frozen_tensors(root: nn.Module) -> dict[str, Tensor]:
    """What is not trained of the network's parameters, by their plain names."""
    return {_plain(name): value for name, value in root.named_parameters() if not value.requires_grad}


def leave_plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict whose frozen tensors have their plain names, as a network's without parametrizations."""
    return {name if _is_part(name, "") else _plain(name): value for name, value in state.items()}


def take_plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The way back from `leave_plain`."""
    tuned = indices_in(state)
    return {_parametrized(name, "original") if name in tuned else name: value for name, value in state.items()}


def _plain(name: str) -> str:
    """What a tensor, or a part of its parametrization, would be called without parametrizations."""
    found = _PARAMETRIZED.search(name)
    return _PARAMETRIZED.sub(r"\1", name).removesuffix(".original") if found else name


def _parametrized(name: str, part: str) -> str:
    owner, dot, own = name.rpartition(".")
    return f"{owner}{dot}parametrizations.{own}.{part}"


def _is_part(name: str, end: str) -> bool:
    """Whether it names something that only a parametrization has."""
    return bool(_PARAMETRIZED.search(name)) and not name.endswith(".original") and name.endswith(end)
