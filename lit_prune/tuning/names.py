"""Names of tensors in the state dict of a tuned model, and their plain names in the untuned model.

A parametrized tensor is `<layer>.parametrizations.<tensor>.original`, with its trained parts beside it; a layer in
peft's LoRA is `<layer>.base_layer`.
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
    """Return the plain name of a tensor or parametrization; names of trained parts are unchanged."""
    return _BASE_LAYER.sub(r"\1", _ORIGINAL.sub(r"\1\2", name))


def parametrized(name: str, part: str) -> str:
    """Return the name of a trained part of a parametrized tensor."""
    owner, _, tensor_name = name.rpartition(".")
    return f"{owner}.parametrizations.{tensor_name}.0.{part}"


def owner_of(root: nn.Module, name: str) -> tuple[nn.Module, str]:
    """Return the module that contains a tensor, and the name of the tensor in it."""
    owner, _, tensor_name = name.rpartition(".")
    return root.get_submodule(owner), tensor_name


def parts_in(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return the trained parts in a state dict by the plain names of tensors: `index` and `values`, `A` and `B`..."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, value in state.items():
        if found := _PART.fullmatch(name):
            owner = "" if found["owner"] is None else f"{found['owner']}."
            part = found["part"] or found["factor"] or found["scale"]
            parts.setdefault(f"{owner}{found['tensor'] or 'weight'}", {})[part] = value
    return parts


def without_parts(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with plain names, without trained parts."""
    return {plain(name): value for name, value in state.items() if not _PART.fullmatch(name)}


def leave_plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with plain names of originals."""
    return {plain(name): value for name, value in state.items()}


def take_plain(state: Mapping[str, Tensor], root: nn.Module) -> dict[str, Tensor]:
    """Undo `leave_plain` for a model that is tuned in the same way."""
    named = {plain(name): name for name in root.state_dict()}
    return {named.get(name, name): value for name, value in state.items()}
