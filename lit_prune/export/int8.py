"""Weights as 8-bit integers with a scale for each row, symmetric about 0."""

import torch
from torch import Tensor

from lit_prune.errors import UserError

_LARGEST = 127


def quantise(values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Round the values of each row to multiples of a 127th of the row's largest magnitude.

    Args:
        values: The rows one after the other (values,), of a floating dtype.
        lengths: Number of values of each row (rows,) int64.

    Returns:
        The multiples (values,) int8, and the rows' scales (rows,) float32; that of a row without values is 0.

    Raises:
        UserError: A value is not finite.
    """
    values = values.detach().float()
    if not values.isfinite().all():
        raise UserError("--dtype int8 must be of finite weights, got NaN or infinity: use --dtype float32")
    row = torch.arange(len(lengths)).repeat_interleave(lengths)
    scales = torch.zeros(len(lengths)).scatter_reduce(0, row, values.abs(), "amax") / _LARGEST
    # Of a row whose scale underflows all values round to 0.
    multiples = values / scales.where(scales > 0, torch.inf)[row]
    return multiples.round().clamp(-_LARGEST, _LARGEST).to(torch.int8), scales


def dequantise(multiples: Tensor, scales: Tensor, lengths: Tensor) -> Tensor:
    """Return the values (values,) float32 of `quantise`'s multiples, up to half a scale.

    Raises:
        ValueError: multiples, scales and lengths do not belong together.
    """
    if len(scales) != len(lengths) or len(multiples) != int(lengths.sum()) or multiples.dtype != torch.int8:
        raise ValueError(f"{len(multiples)} values of {multiples.dtype} are not those of {len(lengths)} rows")
    return multiples.float() * scales.repeat_interleave(lengths)
