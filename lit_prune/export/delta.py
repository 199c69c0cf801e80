"""The delta format: the entries that a run changed in its encoder and their values, the heads, and what they are over.

Entries are told as in the packed format, by the gaps between them (`coding`). Of LoRA it has the two factors of each
update; version 0.1.0 wrote the entries of the merged matrices, which are read as ever.
"""

import json
import re
from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.export.base import encoder_weights, encoders
from lit_prune.export.coding import decode, pack, shapes_in
from lit_prune.runs.checkpoints import digest

FILE = "delta.safetensors"
_FACTOR = re.compile(r"(?P<name>.+)\.lora_(?P<part>[AB])")
_SHAPES = "lit_prune.delta_shapes"
_BASE = "lit_prune.delta_base"  # what the base is called
_BACKBONE = "lit_prune.delta_backbone"  # the name of the backbone that is the base, or nothing
_ALPHA = "lit_prune.delta_alpha"  # LoRA's; a file without has no factors, or a scale of 1
BASE_HASH = "lit_prune.delta_base_hash"


def pack_delta(
    state: Mapping[str, Tensor],
    base: dict[str, Tensor],
    called: str,
    backbone: str,
    factors: Mapping[str, Mapping[str, Tensor]],
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file of what was changed.

    Args:
        state: The state dict of the model, without masks.
        base: The state dict that it began with.
        called: What the base is called.
        backbone: The backbone that the base is as it was pretrained, empty: it is none.
        factors: LoRA's, see `Trained`.
    """
    encoder = encoder_weights(base)
    tensors = {name: value for name, value in state.items() if name not in encoder}
    texts = {_BASE: called, _BACKBONE: backbone, BASE_HASH: digest(encoder)}
    for name, parts in factors.items():
        tensors |= {f"{name}.lora_{part}": parts[part] for part in "AB"}
        if "alpha" in parts:
            texts[_ALPHA] = str(float(parts["alpha"]))
    shapes = {}
    for name, value in encoder.items():
        if name in factors:
            continue
        changed = state[name] != value
        if changed.any():
            code, values = pack(changed.numpy(), state[name].numpy())
            tensors |= {f"{name}.changed": torch.from_numpy(code), f"{name}.values": torch.from_numpy(values)}
            shapes[name] = list(value.shape)
    return tensors, texts | {_SHAPES: json.dumps(shapes)}


def find_base(metadata: Mapping[str, str], base: str | None) -> dict[str, Tensor]:
    """The weights of the encoder that a delta is over.

    Args:
        metadata: Of the file of what was changed.
        base: See `encoders`; None: the backbone that the file names.

    Raises:
        UserError: it is another base, or there is none.
        KeyError: the metadata are not of a delta.
    """
    needed = f"{metadata[_BASE]} (hash {metadata[BASE_HASH][:12]}...)"
    named = base or metadata[_BACKBONE]
    if not named:
        raise UserError(
            f"this is a delta alone: give the model that it is over, load(folder, base=...), that is {needed}"
        )
    for encoder in encoders(named):
        if digest(encoder) == metadata[BASE_HASH]:
            return encoder
    raise UserError(f"{named} is not the model that this delta is over, load(folder, base=...): needed is {needed}")


def changes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, tuple[Tensor, Tensor]]:
    """The changed entries of each tensor of the encoder: their places when it is flattened (int64), and their values.

    Raises:
        KeyError, ValueError: tensors and metadata are no delta.
    """
    found = {}
    for name, shape in shapes_in(metadata[_SHAPES], tensors).items():
        index = torch.from_numpy(decode(tensors[f"{name}.changed"].numpy(), prod(shape))).nonzero().flatten()
        found[name] = index, tensors[f"{name}.values"].float()
    return found


def lora_factors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, dict[str, Tensor]]:
    """LoRA's factors, as `merge_lora` takes them, by the matrix's name; float32."""
    alpha = {"alpha": torch.tensor(float(metadata[_ALPHA]))} if _ALPHA in metadata else {}
    factors: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if found := _FACTOR.fullmatch(name):
            factors.setdefault(found["name"], dict(alpha))[found["part"]] = value.float()
    return factors


def others(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors of the file that are neither changed entries nor factors: the heads, adapters."""
    coded = {f"{name}.{part}" for name in shapes_in(metadata[_SHAPES], tensors) for part in ("changed", "values")}
    return {name: value for name, value in tensors.items() if name not in coded and not _FACTOR.fullmatch(name)}
