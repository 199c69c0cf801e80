"""Masks in few bits: the gaps between kept entries in Rice's code (Rice and Plaunt, 1971).

A gap g of pruned entries before a kept one is written as g >> r zeros and a one, and its r lowest bits beside that.
At r = 0 this is the bit mask itself, so that the best r never takes more than one bit per weight.
"""

import json
from collections.abc import Mapping
from math import prod

import numpy as np
import numpy.typing as npt
from torch import Tensor

_PREFIX = np.dtype("<u4")  # the number of kept entries, then r
_LONGEST = 24
_AT_MOST = 100_000_000, 1000  # entries of coded matrices: so many, and so many for each byte of the tensors


def encode(keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Encode the kept positions of an array of any shape, less than 2**32 entries, in row order."""
    gaps = np.diff(np.flatnonzero(keep), prepend=-1) - 1
    sizes = [gaps.size * (1 + r) + int((gaps >> r).sum()) for r in range(_LONGEST)]
    r = int(np.argmin(sizes))
    unary = np.zeros(sizes[r] - gaps.size * r, dtype=bool)
    unary[np.cumsum((gaps >> r) + 1) - 1] = True
    lowest = (gaps[:, None] >> np.arange(r)) & 1
    prefix = np.array([gaps.size, r], dtype=_PREFIX).view(np.uint8)
    return np.concatenate([prefix, np.packbits(np.concatenate([lowest.ravel().astype(bool), unary]))])


def decode(code: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.bool_]:
    """Decode the flat array of `size` entries whose kept positions `encode` wrote.

    Raises:
        ValueError: the code is not of so many entries.
    """
    num_kept, r = (int(value) for value in code[: 2 * _PREFIX.itemsize].view(_PREFIX))
    bits = np.unpackbits(code[2 * _PREFIX.itemsize :])
    lowest = bits[: num_kept * r].reshape(num_kept, r).astype(np.int64) << np.arange(r)
    ends = np.flatnonzero(bits[num_kept * r :])
    positions = np.cumsum(((np.diff(ends, prepend=-1) - 1) << r) + lowest.sum(axis=1) + 1) - 1
    if positions.size and positions[-1] >= size:
        raise ValueError(f"position {positions[-1]} is kept of {size} entries")
    keep = np.zeros(size, dtype=bool)
    keep[positions] = True
    return keep


def pack(
    keep: npt.NDArray[np.bool_], values: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.floating]]:
    """Return the code of the kept positions, and the kept values in row order; both arrays have one shape."""
    return encode(keep), values[keep]


def unpack(code: npt.NDArray[np.uint8], values: npt.NDArray[np.floating], size: int) -> npt.NDArray[np.floating]:
    """Return the flat array of `size` values that `pack` took, pruned ones 0.

    Raises:
        ValueError: code, values and size do not belong together.
    """
    unpacked = np.zeros(size, dtype=values.dtype)
    unpacked[decode(code, size)] = values
    return unpacked


def shapes_in(text: str, tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of coded matrices by their names.

    Args:
        text: The JSON object in a file's header.
        tensors: The tensors of the file.

    Raises:
        ValueError: it is no such object, or the matrices are far larger than the tensors can code.
    """
    try:
        shapes = {name: tuple(shape) for name, shape in json.loads(text).items()}
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"shapes must be lists by name, got {text[:60]!r}") from error
    least, for_each = _AT_MOST
    most = least + for_each * sum(each.nbytes for each in tensors.values())
    is_valid = all(type(each) is int and each >= 0 for shape in shapes.values() for each in shape)
    if not is_valid or sum(map(prod, shapes.values())) > most:
        raise ValueError(f"shapes must have numbers of at most {most:,} entries in all, got {text[:60]!r}")
    return shapes
