"""The masks format: the mask of each matrix, in at most a bit per weight, and the name of the model they are for."""

import json
from collections.abc import Container, Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.export.coding import decode, encode, shapes_in
from lit_prune.export.formats.format import Content, Export, Format, weights_of
from lit_prune.export.model import TaskModel
from lit_prune.export.trained import Trained
from lit_prune.runs.checkpoints import digest, find_dense, read_checkpoint, state_of
from lit_prune.sparsity.install import masks_by_task

FILE = "masks.safetensors"
_SHAPES = "lit_prune.mask_shapes"
_BASE = "lit_prune.base"  # the name of the base
_BASE_HASH = "lit_prune.base_hash"


class Masks(Format):
    """The format of masks only, for the run's dense model."""

    name = "masks"
    purpose = "no weights: the masks of the run's dense model, which lit_prune.load then needs as its base"
    files = (FILE,)
    has_weights = False

    def check(self, trained: Trained) -> None:
        """Raise a UserError if the run trained more than masks."""
        if not trained.is_masked_base:
            raise UserError(
                f"--format must not be masks for {trained.run}: it trained more than masks over a model of its own; "
                "use packed"
            )

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return the codes of the masks."""
        record, backbone = trained.record, trained.backbone.called
        base = f"the dense model of {record['experiment']}, seed {trained.metrics['seed']}, over {backbone}"
        codes, texts = pack_masks(weights_of(trained.model), masks_by_task(trained.model).get("", {}), base)
        return Content({FILE: codes}, texts)

    def needs_base(self, trained: Trained) -> bool:
        """Return True: masks have no weights."""
        return True

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Load the masked weights of the base."""
        model.take(masked_base(exports[0].tensors[FILE], exports[0].metadata, base, model.tasks))


def pack_masks(
    weights: Mapping[str, Tensor], keeps: Mapping[str, Tensor], base: str
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and metadata of a file of masks.

    Args:
        weights: The state dict of the model that they are for.
        keeps: The masks by the names of the masked matrices.
        base: The name of that model.
    """
    codes = {f"{name}.kept": torch.from_numpy(encode(keep.numpy())) for name, keep in keeps.items()}
    shapes = json.dumps({name: list(keep.shape) for name, keep in keeps.items()})
    return codes, {_SHAPES: shapes, _BASE: base, _BASE_HASH: digest(weights)}


def masked_base(
    codes: Mapping[str, Tensor], metadata: Mapping[str, str], base: str | None, tasks: Container[str]
) -> dict[str, Tensor]:
    """Return the state dict of the base, pruned weights 0.

    Args:
        codes: The tensors of a file of masks.
        metadata: Its metadata.
        base: A run's folder or a checkpoint that holds the base.
        tasks: The tasks whose heads it has.

    Raises:
        UserError: there is no base, or another one.
        KeyError, ValueError: tensors and metadata contain no masks.
    """
    needed = f"{metadata[_BASE]} (hash {metadata[_BASE_HASH][:12]}...)"
    if base is None:
        raise UserError(f"base must be the model that the masks are for, got none: load(folder, base=RUN) of {needed}")
    origin = find_dense(base)
    state = state_of(tasks, read_checkpoint(origin)["state_dict"])
    if digest(state) != metadata[_BASE_HASH]:
        raise UserError(f"base must be the model that the masks are for, got {origin}: give {needed}")
    for name, shape in mask_shapes(codes, metadata).items():
        keep = torch.from_numpy(unpack_mask(codes, name, shape))
        state[name] = state[name].masked_fill(~keep, 0)
    return state


def mask_shapes(codes: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the matrices that are masked, by name; see `masked_base` for errors."""
    return shapes_in(metadata[_SHAPES], codes)


def unpack_mask(codes: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return the mask of one matrix.

    Raises:
        KeyError, ValueError: the tensors contain no masks.
    """
    return decode(codes[f"{name}.kept"].numpy(), prod(shape)).reshape(shape)
