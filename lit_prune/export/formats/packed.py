"""The packed format: masked tensors as the code of their mask and the kept values, all others whole.

If masks differ by task, the values that any task keeps are stored once, with a code for each task. A matrix that is
pruned by rank is stored as the kept ranks of its factors, or whole if that is smaller. As int8, matrices have a scale
for each row, and all else is float16.
"""

import json
import re
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from lit_prune.export.coding import decode, encode, pack, shapes_in, unpack
from lit_prune.export.formats.format import INT8, Content, Export, Format, converted, each_once, weights_of
from lit_prune.export.int8 import dequantise, quantise
from lit_prune.export.model import TaskModel
from lit_prune.export.trained import Trained
from lit_prune.sparsity.budget import break_even
from lit_prune.sparsity.install import masks_by_task
from lit_prune.sparsity.layers import LowRankLinear

FILE = "packed.safetensors"
_SHAPES = "lit_prune.packed_shapes"
_INT8 = "lit_prune.packed_int8"  # in a file's header: the names of the tensors that are int8
_CODE = re.compile(r"(?P<masked>.+\.(?:weight|sigma))\.kept(?:\.(?P<task>[^.]+))?")


class Packed(Format):
    """The format that is small: only kept weights."""

    name = "packed"
    purpose = "small: only kept weights; lit_prune.load reads it"
    files = (FILE,)
    dtypes = (*Format.dtypes, INT8)

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return the kept weights and the codes of the masks."""
        state, masks = weights_of(trained.model), masks_by_task(trained.model)
        if dtype == INT8:
            tensors, texts = quantise_state(*pack_state(state, masks))
        else:
            tensors, texts = pack_state(converted(state, dtype), masks)
        return Content({self.files[0]: tensors}, texts)

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Load the kept weights; the others are 0."""
        model.take(unpack_state(exports[0].tensors[self.files[0]], exports[0].metadata))


def pack_state(
    state: Mapping[str, Tensor], keeps: Mapping[str, Mapping[str, Tensor]]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and metadata of a packed file.

    Args:
        state: A state dict without masks.
        keeps: The masks by task and by the names of the masked tensors in the state (`sigma` of a matrix pruned by
            rank); under one key if all tasks have the same masks.
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


def quantise_state(packed: Mapping[str, Tensor], texts: Mapping[str, str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what `pack_state` returned with its matrices as int8, a scale for each row, and the rest as float16."""
    lengths = _row_lengths(packed, texts)
    rounded = each_once(
        {name: value for name, value in packed.items() if name in lengths},
        lambda name, value: quantise(value.flatten(), lengths[name]),
    )
    quantised = converted({name: value for name, value in packed.items() if name not in lengths}, "float16")
    for name, (multiples, scales) in rounded.items():
        quantised |= {name: multiples.view(packed[name].shape), f"{name}.scale": scales}
    return quantised, {**texts, _INT8: json.dumps(list(lengths))}


def _dequantised(packed: Mapping[str, Tensor], texts: Mapping[str, str]) -> dict[str, Tensor]:
    if _INT8 not in texts:
        return dict(packed)
    names = set(json.loads(texts[_INT8]))
    scales = {f"{name}.scale" for name in names}
    lengths = _row_lengths({name: value for name, value in packed.items() if name not in scales}, texts)
    state = {name: value for name, value in packed.items() if name not in names | scales}
    for name in names:
        values = dequantise(packed[name].flatten(), packed[f"{name}.scale"], lengths[name])
        state[name] = values.view(packed[name].shape)
    return state


def _row_lengths(packed: Mapping[str, Tensor], texts: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the number of stored values of each row of each matrix (rows,) int64, by the name of its values."""
    shapes = shapes_in(texts[_SHAPES], packed)
    keeps = {name: decode(packed[f"{name}.kept"].numpy(), prod(shape)).reshape(shape) for name, shape in shapes.items()}
    coded = {f"{name}.values": torch.from_numpy(keep.sum(1)) for name, keep in keeps.items()}
    whole = {
        name: torch.full((len(value),), value[0].numel())
        for name, value in packed.items()
        if value.ndim > 1 and len(value) and (value.is_floating_point() or value.dtype == torch.int8)
    }
    return coded | whole


def _smaller(layer: str, factors: Mapping[str, Tensor], whole: bool) -> dict[str, Tensor]:
    """Return the factors, or the matrix if it may be whole and is smaller."""
    ut, sigma, vh = factors.values()
    if whole and len(sigma) > break_even(ut.shape[1], vh.shape[1]):
        return {f"{layer}.weight": ((ut.t().float() * sigma.float()) @ vh.float()).to(ut.dtype)}
    return {f"{layer}.{factor}": value for factor, value in factors.items()}


def kept_shares(packed: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, float]:
    """Return the density of each tensor that is pruned by element, by its name."""
    shapes = shapes_in(metadata[_SHAPES], packed)
    return {name: len(packed[f"{name}.values"]) / max(1, prod(shape)) for name, shape in shapes.items()}


def unpack_state(packed: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the state dict that `pack_state` took, pruned weights 0 and without pruned ranks, with fixed masks.

    A matrix has a mask if masks differ by task, or if it is stored by its ranks.

    Raises:
        KeyError, ValueError: the tensors are not packed.
    """
    packed = _dequantised(packed, metadata)
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
