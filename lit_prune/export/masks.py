"""The masks format: what is kept of each matrix, in at most a bit per weight, and whose weights they are for."""

import json
from collections.abc import Container, Mapping
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.export.coding import decode, encode, shapes_in
from lit_prune.runs.checkpoints import digest, find_dense, read_checkpoint, state_of

FILE = "masks.safetensors"
_SHAPES = "lit_prune.mask_shapes"
_BASE = "lit_prune.base"  # what the base is called
_BASE_HASH = "lit_prune.base_hash"


def pack_masks(
    weights: Mapping[str, Tensor], keeps: Mapping[str, Tensor], base: str
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file of masks.

    Args:
        weights: The state dict of the model that they are for.
        keeps: What is kept (bool) of the matrices that are masked, by the same names.
        base: What that model is called.
    """
    codes = {f"{name}.kept": torch.from_numpy(encode(keep.numpy())) for name, keep in keeps.items()}
    shapes = json.dumps({name: list(keep.shape) for name, keep in keeps.items()})
    return codes, {_SHAPES: shapes, _BASE: base, _BASE_HASH: digest(weights)}


def masked_base(
    codes: Mapping[str, Tensor], metadata: Mapping[str, str], base: str | Path | None, tasks: Container[str]
) -> dict[str, Tensor]:
    """The state dict of the base, pruned weights 0.

    Args:
        codes: The tensors of a file of masks.
        metadata: Its metadata.
        base: A run's folder or a checkpoint that holds the base.
        tasks: The tasks whose heads it has.

    Raises:
        UserError: there is no base, or another one.
        KeyError, ValueError: tensors and metadata are no masks.
    """
    needed = f"{metadata[_BASE]} (hash {metadata[_BASE_HASH][:12]}...)"
    if base is None:
        raise UserError(f"these are masks alone: give the model they are for, load(folder, base=RUN), that is {needed}")
    origin = find_dense(str(base))
    state = state_of(tasks, read_checkpoint(origin)["state_dict"])
    if digest(state) != metadata[_BASE_HASH]:
        raise UserError(f"{origin} is not the model that these masks are for: needed is {needed}")
    for name, shape in mask_shapes(codes, metadata).items():
        keep = torch.from_numpy(unpack_mask(codes, name, shape))
        state[name] = state[name].masked_fill(~keep, 0)
    return state


def mask_shapes(codes: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the matrices that are masked, by name; see `masked_base` for errors."""
    return shapes_in(metadata[_SHAPES], codes)


def unpack_mask(codes: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """What is kept of one matrix.

    Raises:
        KeyError, ValueError: the tensors are no masks.
    """
    return decode(codes[f"{name}.kept"].numpy(), prod(shape)).reshape(shape)
