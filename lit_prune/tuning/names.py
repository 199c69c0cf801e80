"""What the tensors of a network that is tuned are called in its state dict, and would be called without.

A tensor under a parametrization is `<layer>.parametrizations.<tensor>.original`, and what is trained of it beside it;
the layer that peft's LoRA is put around is `<layer>.base_layer`.
"""

import re
from collections.abc import Mapping

from torch import Tensor, nn

_ORIGINAL = re.compile(r"(^|\.)parametrizations\.([^.]+)\.(?:original|0)$")
_BASE_LAYER = re.compile(r"(^|\.)base_layer\.")
_PART = re.compile(
    r"(?:(?P<owner>.+)\.)?"
    r"(?:parametrizations\.(?P<tensor>[^.]+)\.0\.(?P<part>\w+)"
    r"|lora_(?P<factor>[AB])\.default\.weight|lora_A\.default\.(?P<scale>alpha))"
)


def plain(name: str) -> str:
    """What a tensor, or its parametrization, would be called without; what only tuning has keeps its name."""
    return _BASE_LAYER.sub(r"\1", _ORIGINAL.sub(r"\1\2", name))


def parametrized(name: str, part: str) -> str:
    """Return the name of what is trained beside a tensor under a parametrization."""
    owner, _, own = name.rpartition(".")
    return f"{owner}.parametrizations.{own}.0.{part}"


def owner_of(root: nn.Module, name: str) -> tuple[nn.Module, str]:
    """The module that has a tensor, and what the tensor is called there."""
    owner, _, own = name.rpartition(".")
    return root.get_submodule(owner), own


def parts_in(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """What a state dict has of tensors beside their originals, by plain names: `index` and `values`, `A` and `B`..."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, value in state.items():
        if found := _PART.fullmatch(name):
            owner = "" if found["owner"] is None else f"{found['owner']}."
            part = found["part"] or found["factor"] or found["scale"]
            parts.setdefault(f"{owner}{found['tensor'] or 'weight'}", {})[part] = value
    return parts


def without_parts(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The originals, and all that is not tuned in this way, under plain names."""
    return {plain(name): value for name, value in state.items() if not _PART.fullmatch(name)}


def leave_plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict whose originals have their plain names, as a network's without."""
    return {plain(name): value for name, value in state.items()}


def take_plain(state: Mapping[str, Tensor], root: nn.Module) -> dict[str, Tensor]:
    """The way back from `leave_plain`, for a network that is shaped as the state's was."""
    named = {plain(name): name for name in root.state_dict()}
    return {named.get(name, name): value for name, value in state.items()}
