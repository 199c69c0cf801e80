"""The delta format: the entries that a run changed in its encoder and their values, the heads, and what they are over.

Entries are told as in the packed format, by the gaps between them (`coding`).
"""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from lit_prune.checkpoints import digest, find_dense, read_checkpoint
from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.coding import decode, pack

FILE = "delta.safetensors"
_SHAPES = "lit_prune.delta_shapes"
_BASE = "lit_prune.delta_base"  # the backbone's name
_BASE_HASH = "lit_prune.delta_base_hash"
_ENCODER = "encoder."


def pack_delta(
    state: Mapping[str, Tensor], base: Mapping[str, Tensor], backbone: str
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file of what was changed.

    Args:
        state: The state dict of the model.
        base: The state dict that it began with.
        backbone: What the base's encoder is called.
    """
    encoder = {name: value for name, value in base.items() if name.startswith(_ENCODER)}
    tensors = {name: value for name, value in state.items() if name not in encoder}
    shapes = {}
    for name, value in encoder.items():
        changed = state[name] != value
        if changed.any():
            code, values = pack(changed.numpy(), state[name].numpy())
            tensors |= {f"{name}.changed": torch.from_numpy(code), f"{name}.values": torch.from_numpy(values)}
            shapes[name] = list(value.shape)
    return tensors, {_SHAPES: json.dumps(shapes), _BASE: backbone, _BASE_HASH: digest(encoder)}


def over_base(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], base: str | Path | None) -> dict[str, Tensor]:
    """The state dict that `pack_delta` took.

    Args:
        tensors: The tensors of a file of what was changed.
        metadata: Its metadata.
        base: A run's folder, a checkpoint or a backbone that is the base; None: the backbone that the file names.

    Raises:
        UserError: it is another base, or there is none.
        KeyError, ValueError: tensors and metadata are no delta.
    """
    named = metadata[_BASE] if base is None else str(base)
    if Path(named).exists() and not (Path(named) / "config.json").is_file():
        whole = read_checkpoint(find_dense(named, "base"))["state_dict"]
        encoder = {name: value for name, value in whole.items() if name.startswith(_ENCODER)}
    else:
        encoder = {f"{_ENCODER}{name}": value for name, value in PrunableEncoder(named).state_dict().items()}
    if digest(encoder) != metadata[_BASE_HASH]:
        raise UserError(
            f"{named} is not the model that this delta is over: needed is {metadata[_BASE]} as it was (hash "
            f"{metadata[_BASE_HASH][:12]}...), load(folder, base=...)"
        )
    state = dict(tensors)
    for name, shape in json.loads(metadata[_SHAPES]).items():
        changed = torch.from_numpy(decode(state.pop(f"{name}.changed").numpy(), prod(shape)).reshape(shape))
        encoder[name] = encoder[name].masked_scatter(changed, state.pop(f"{name}.values").to(encoder[name].dtype))
    return encoder | state
