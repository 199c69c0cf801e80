"""The packed format: of what is masked the code of what is kept and the kept values; all else as it is.

Where masks differ by task, the values that any task keeps are there once, and for each task a code of which it keeps.
Of a matrix that is pruned by rank it has the kept ranks of its factors, or itself where that is smaller.
"""

import json
import re
from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

from lit_prune.export.coding import decode, encode, pack, shapes_in, unpack
from lit_prune.sparsity.budget import break_even
from lit_prune.sparsity.layers import LowRankLinear

FILE = "packed.safetensors"
_SHAPES = "lit_prune.packed_shapes"
_CODE = re.compile(r"(?P<masked>.+\.(?:weight|sigma))\.kept(?:\.(?P<task>[^.]+))?")


def pack_state(
    state: Mapping[str, Tensor], keeps: Mapping[str, Mapping[str, Tensor]]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a packed file.

    Args:
        state: A state dict without masks.
        keeps: What is kept (bool) of the tensors that are masked, by task and their names in the state (`sigma` of a
            matrix by rank); under one key where all tasks have the same masks.
    """
    packed, shapes = dict(state), {}
    for name in next(iter(keeps.values()), {}):
        by_task = {task: masks[name] for task, masks in keeps.items()}
        kept = torch.stack(list(by_task.values())).any(0)
        layer, _, masked = name.rpartition(".")
        if masked == LowRankLinear.MASKED:
            factors = {factor: packed.pop(f"{layer}.{factor}")[kept] for factor in LowRankLinear.RANKS}
            packed |= _smaller(layer, factors, whole=len(by_task) == 1)
        else:
            code, values = pack(kept.numpy(), packed.pop(name).numpy())
            packed |= {f"{name}.kept": torch.from_numpy(code), f"{name}.values": torch.from_numpy(values)}
            shapes[name] = list(kept.shape)
        if len(by_task) > 1:
            for task, keep in by_task.items():
                packed[f"{name}.kept.{task}"] = torch.from_numpy(encode(keep[kept].numpy()))
    return packed, {_SHAPES: json.dumps(shapes)}


def _smaller(layer: str, factors: Mapping[str, Tensor], whole: bool) -> dict[str, Tensor]:
    """The factors, or the matrix where that is smaller (and may be)."""
    ut, sigma, vh = factors.values()
    if whole and len(sigma) > break_even(ut.shape[1], vh.shape[1]):
        return {f"{layer}.weight": ((ut.t().float() * sigma.float()) @ vh.float()).to(ut.dtype)}
    return {f"{layer}.{factor}": value for factor, value in factors.items()}


def kept_shares(packed: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, float]:
    """The share that is kept of each tensor that is pruned by element, by its name."""
    shapes = shapes_in(metadata[_SHAPES], packed)
    return {name: len(packed[f"{name}.values"]) / max(1, prod(shape)) for name, shape in shapes.items()}


def unpack_state(packed: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """The state dict that `pack_state` took, pruned weights 0 and pruned ranks gone, with fixed masks.

    A matrix has a mask where masks differ by task, or where it is there by its ranks.

    Raises:
        KeyError, ValueError: the tensors are no packed ones.
    """
    codes = {name: found for name in packed if (found := _CODE.fullmatch(name))}
    by_task = {found["masked"] for found in codes.values() if found["task"] is not None}
    state = {name: value for name, value in packed.items() if name not in codes}
    kept = {}
    for name, shape in shapes_in(metadata[_SHAPES], packed).items():
        code, values = packed[f"{name}.kept"].numpy(), state.pop(f"{name}.values").numpy()
        state[name] = torch.from_numpy(unpack(code, values, prod(shape)).reshape(shape))
        if name in by_task:
            kept[name] = torch.from_numpy(decode(code, prod(shape)).reshape(shape))
    for name in [name for name in state if name.endswith(f".{LowRankLinear.MASKED}")]:
        kept[name] = torch.ones(state[name].shape, dtype=torch.bool)
        state[f"{name.rpartition('.')[0]}.mask.keep"] = kept[name]
    for name, found in codes.items():
        if found["task"] is not None:
            of_any = kept[found["masked"]]
            layer = found["masked"].rpartition(".")[0]
            state.pop(f"{layer}.mask.keep", None)
            own = torch.zeros_like(of_any)
            own[of_any] = torch.from_numpy(decode(packed[name].numpy(), int(of_any.count_nonzero())))
            state[f"{layer}.mask.own.{found['task']}.keep"] = own
    return state
