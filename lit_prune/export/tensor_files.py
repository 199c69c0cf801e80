"""Tensor files with checksums: a changed byte is an error."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.runs.checkpoints import digest

TASKS = "lit_prune.tasks"  # in a file's header: the tasks as plain values
FILES = "lit_prune.files"  # in a file's header: the SHA-256 of each other file that is read
_CHECKSUM = "lit_prune.sha256"
_SHARED = "lit_prune.shared"  # in a file's header: further names of tensors, as of T5's embeddings -> their first name


FOREIGN = "load a model of transformers by its AutoModel classes or PrunableEncoder, or prune it by lit_prune prune"


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder itself, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()
    }


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file whose header holds the SHA-256 of its tensors and its other metadata.

    A tensor that has several names is written once.
    """
    first: dict[tuple[int, ...], str] = {}
    content, shared = {}, {}
    for name, value in tensors.items():
        if first.setdefault(place_of(value), name) == name:
            content[name] = value.contiguous()
        else:
            shared[name] = first[place_of(value)]
    metadata = dict(metadata) | ({_SHARED: json.dumps(shared)} if shared else {})
    # Not its `save_file`: that one leaves a file which nobody else may read.
    path.write_bytes(save(content, metadata=metadata | {_CHECKSUM: _checksum(content, metadata)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata of a file that `save_tensors` wrote.

    Raises:
        UserError: the file is missing, damaged, or was written by something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (OSError, SafetensorError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} must be a readable safetensors file, got {error}: export the run again") from error
    if _CHECKSUM not in metadata:
        raise UserError(f"{path} must be written by lit_prune export, got a file without its checksum: {FOREIGN}")
    expected = metadata.pop(_CHECKSUM)
    if _checksum(tensors, metadata) != expected:
        raise UserError(f"{path} must have the checksum of its content, got another: it is damaged, export it again")
    shared = json.loads(metadata.pop(_SHARED, "{}"))
    return tensors | {name: tensors[first] for name, first in shared.items()}, metadata


def place_of(tensor: Tensor) -> tuple[int, ...]:
    """Return a key that is equal for two tensors if they are one under two names."""
    return (tensor.data_ptr(), *tensor.shape, *tensor.stride()) if tensor.numel() else (id(tensor),)


def is_export(path: Path) -> bool:
    """Return True if `save_tensors` wrote a safetensors file."""
    with safe_open(path, framework="pt") as file:
        return _CHECKSUM in (file.metadata() or {})


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([dict(metadata), digest(tensors)], sort_keys=True).encode()).hexdigest()
