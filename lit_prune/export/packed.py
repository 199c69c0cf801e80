"""The packed format: of a masked matrix the code of what is kept and the kept values; all else as it is."""

import json
from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

from lit_prune.export.coding import pack, unpack

FILE = "packed.safetensors"
_SHAPES = "lit_prune.packed_shapes"


def pack_state(state: Mapping[str, Tensor], keeps: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a packed file.

    Args:
        state: A dense state dict.
        keeps: What is kept (bool) of the tensors that are masked, by the same names.
    """
    packed = {}
    for name, value in state.items():
        if name in keeps:
            code, values = pack(keeps[name].numpy(), value.numpy())
            packed[f"{name}.kept"] = torch.from_numpy(code)
            packed[f"{name}.values"] = torch.from_numpy(values)
        else:
            packed[name] = value
    return packed, {_SHAPES: json.dumps({name: list(keep.shape) for name, keep in keeps.items()})}


def unpack_state(packed: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """The dense state dict that `pack_state` took, pruned weights 0.

    Raises:
        KeyError, ValueError: the tensors are no packed ones.
    """
    state = dict(packed)
    for name, shape in json.loads(metadata[_SHAPES]).items():
        code, values = state.pop(f"{name}.kept").numpy(), state.pop(f"{name}.values").numpy()
        state[name] = torch.from_numpy(unpack(code, values, prod(shape)).reshape(shape))
    return state
