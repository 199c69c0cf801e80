"""Masks on disk: one bit per weight in a safetensors file."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.files import Writer, check_undamaged, write_atomically

FILE = "masks.safetensors"  # what the masks of a run's result are called in its folder
_SHAPES = "lit_prune.mask_shapes"


def save_masks(
    masks: Mapping[str, Tensor], path: str | Path, metadata: Mapping[str, str], writer: Writer = write_atomically
) -> None:
    """Write masks, 8 entries to the byte; the file is there completely or not at all.

    Args:
        masks: bool tensors by name, of any shape.
        path: The file; replaced if it exists.
        metadata: Further texts for the file's header.
        writer: `write_atomically`, or `write_recorded` for a file of a run.
    """
    assert all(mask.dtype == torch.bool for mask in masks.values())
    packed = {name: np.packbits(mask.cpu().numpy()) for name, mask in masks.items()}
    shapes = json.dumps({name: list(mask.shape) for name, mask in masks.items()})
    content = safetensors.numpy.save(packed, metadata=dict(metadata) | {_SHAPES: shapes})
    writer(Path(path), lambda partial: partial.write_bytes(content))


def load_masks(path: str | Path) -> dict[str, Tensor]:
    """Read masks that `save_masks` wrote: bool tensors by name, in the order of writing.

    Raises:
        UserError: The file is missing, damaged or no mask file.
    """
    with _reading(path) as (file, shapes):
        return {name: _unpack(file.get_tensor(name), shape) for name, shape in shapes.items()}


def mask_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the masks in a file, by name; their entries are not read.

    Raises:
        UserError: The file is missing, damaged or no mask file.
    """
    with _reading(path) as (_, shapes):
        return {name: tuple(shape) for name, shape in shapes.items()}


def load_packed(path: str | Path, name: str) -> npt.NDArray[np.uint8]:
    """One mask of a file as it lies there: 8 entries to the byte in row order, the last byte padded with 0.

    Raises:
        UserError: The file is missing, damaged or no mask file.
    """
    with _reading(path) as (file, shapes):
        return _checked(file.get_tensor(name), shapes[name])


@contextmanager
def _reading(path: str | Path) -> Iterator[tuple[Any, dict[str, list[int]]]]:
    """Return an open mask file, and the shapes of its masks."""
    check_undamaged(Path(path))
    try:
        with safe_open(path, framework="numpy") as file:
            yield file, json.loads(file.metadata()[_SHAPES])
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} must be a mask file, got {error}: write it again with `save_masks`") from error


def _checked(packed: npt.NDArray[np.uint8], shape: list[int]) -> npt.NDArray[np.uint8]:
    if packed.size != (prod(shape) + 7) // 8:
        raise ValueError(f"{packed.size} bytes for shape {shape}")
    return packed


def _unpack(packed: npt.NDArray[np.uint8], shape: list[int]) -> Tensor:
    bits = np.unpackbits(_checked(packed, shape), count=prod(shape))
    return torch.from_numpy(bits.astype(bool).reshape(shape))
