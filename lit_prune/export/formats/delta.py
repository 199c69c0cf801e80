"""The delta format: the entries that a run changed in its encoder and their values, the heads, and the base's name.

Entries are coded as in the packed format, by the gaps between them (`coding`). LoRA's updates are stored as their two
factors; version 0.1.0 wrote the entries of the merged matrices, which can still be read.
"""

import json
import re
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from lit_prune.encoders import bundled
from lit_prune.encoders.counterpart import Counterpart
from lit_prune.errors import UserError
from lit_prune.export.base import encoder_weights, encoders
from lit_prune.export.coding import decode, pack, shapes_in
from lit_prune.export.formats.dense import model_with_head
from lit_prune.export.formats.format import Content, Export, Format, converted, weights_of
from lit_prune.export.model import Changes, LoraChanges, TaskModel
from lit_prune.export.peft_files import write_peft_files
from lit_prune.export.trained import Base, Trained
from lit_prune.runs.checkpoints import BASE, digest, read_checkpoint, state_of
from lit_prune.sparsity.pairs import rank_pairs

FILE = "delta.safetensors"
_FACTOR = re.compile(r"(?P<name>.+)\.lora_(?P<part>[AB])")
_SHAPES = "lit_prune.delta_shapes"
_BASE = "lit_prune.delta_base"  # the name of the base
_BACKBONE = "lit_prune.delta_backbone"  # the name of the backbone that is the base, or nothing
_REVISION = "lit_prune.delta_revision"  # the backbone's commit, branch or tag on the hub; a file without has `main`
_ALPHA = "lit_prune.delta_alpha"  # LoRA's; a file without has no factors, or a scale of 1
BASE_HASH = "lit_prune.delta_base_hash"


class Delta(Format):
    """The format of a sparsely tuned run: its changes of the backbone."""

    name = "delta"
    purpose = (
        "a sparsely tuned run's changes of the backbone, which lit_prune.load needs as its base; LoRA's with the files "
        "that peft loads"
    )
    files = (FILE,)

    def check(self, trained: Trained) -> None:
        """Raise a UserError if the run tuned no share of its entries."""
        if "tuned" not in trained.metrics:
            raise UserError(
                f"--format must not be delta for {trained.run}: it tuned no share of its entries (SparseFinetuning); "
                "use dense or packed"
            )

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return the changes; write peft's files for LoRA's, unless matrices are pruned by rank."""
        model = trained.model
        base = state_of(model.tasks, read_checkpoint(trained.run / "checkpoints" / BASE)["state_dict"])
        tensors, texts = pack_delta(weights_of(model), base, trained.base, trained.factors)
        tensors = converted(tensors, dtype)
        if trained.factors and not rank_pairs(model):  # no model of transformers has these
            # `bundled` is a name of this package alone.
            found = Base("") if trained.base.backbone == bundled.NAME else trained.base
            write_peft_files(tensors, trained.factors, model.task, _peft_model(trained), found, folder)
        return Content({FILE: tensors}, texts)

    def needs_base(self, trained: Trained) -> bool:
        """Return True if the base is neither the bundled encoder nor on the hub."""
        return not trained.base.backbone

    def elsewhere(self, trained: Trained) -> str:
        """Return how peft loads LoRA's changes."""
        if not trained.factors:
            return ""
        known = _peft_model(trained)
        auto, whole, labels = "AutoModel", ", the encoder alone", ""
        if known is not None:
            auto, whole = known.auto, ""
            labels = f", num_labels={trained.model.tasks[trained.task].num_outputs}"
        imports = ""
        base = f'"{trained.base.backbone}"' if trained.base.backbone else "BASE"
        if trained.base.backbone == bundled.NAME:
            imports, base = "from lit_prune.encoders.bundled import bundled_path\n", "bundled_path()"
        return f"""
Or by peft{whole}:

```python
{imports}from peft import PeftModel
from transformers import {auto}

model = PeftModel.from_pretrained({auto}.from_pretrained({base}{labels}), FOLDER)
```
"""

    def check_together(self, exports: Sequence[Export]) -> None:
        """Raise a UserError unless the folders are over one base and can be swapped."""
        first = exports[0]
        for export in exports:
            if export.metadata[BASE_HASH] != first.metadata[BASE_HASH]:
                raise UserError(f"{export.folder} must have the base of {first.folder}, got another: load it by itself")
            if any(name.startswith("encoder.") for name in others(export.tensors[FILE], export.metadata)):
                raise UserError(
                    f"{export.folder} must have no adapters to be loaded with others, got some: load it by itself"
                )

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Load the base and the heads; a task's changes are swapped in when it is used."""
        state = find_base(exports[0].metadata, base)
        for export in exports:
            written = export.tensors[FILE], export.metadata
            state |= others(*written)
            factors = lora_factors(*written)
            found = LoraChanges(factors) if factors else Changes(changes(*written))
            model.changes |= {each["name"]: found for each in export.tasks}
        model.take(state)


def _peft_model(trained: Trained) -> Counterpart | None:
    """Return the model of transformers that LoRA's changes are for, or None for the encoder alone."""
    if len(trained.model.tasks) > 1:
        return None
    return model_with_head(trained.model, trained.model.tasks[trained.task])


def pack_delta(
    state: Mapping[str, Tensor],
    base: dict[str, Tensor],
    origin: Base,
    factors: Mapping[str, Mapping[str, Tensor]],
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and metadata of a file of changes.

    Args:
        state: The state dict of the model, without masks.
        base: The state dict that it began with.
        origin: The names of the base.
        factors: LoRA's, see `Trained`.
    """
    encoder = encoder_weights(base)
    tensors = {name: value for name, value in state.items() if name not in encoder}
    texts = {
        _BASE: origin.called,
        _BACKBONE: origin.backbone,
        _REVISION: origin.revision,
        BASE_HASH: digest(encoder),
    }
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
    """Return the weights of the encoder that a delta is over.

    Args:
        metadata: The metadata of the file of changes.
        base: See `encoders`. If None, the backbone that the file names, on the hub at the revision that it names.

    Raises:
        UserError: the base is another one, or missing.
        KeyError: the metadata are not of a delta.
    """
    needed = f"{metadata[_BASE]} (hash {metadata[BASE_HASH][:12]}...)"
    named = base or metadata[_BACKBONE]
    if not named:
        raise UserError(f"base must be the model that the delta is over, got none: load(folder, base=...) of {needed}")
    is_recorded = named == metadata[_BACKBONE]
    for encoder in encoders(named, metadata.get(_REVISION, "main") if is_recorded else "main"):
        if digest(encoder) == metadata[BASE_HASH]:
            return encoder
    raise UserError(f"base must be the model that the delta is over, got {named}: give {needed}")


def changes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the changed entries of each flattened tensor of the encoder: their indices (int64) and their values.

    Raises:
        KeyError, ValueError: tensors and metadata contain no delta.
    """
    found = {}
    for name, shape in shapes_in(metadata[_SHAPES], tensors).items():
        index = torch.from_numpy(decode(tensors[f"{name}.changed"].numpy(), prod(shape))).nonzero().flatten()
        found[name] = index, tensors[f"{name}.values"].float()
    return found


def lora_factors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, dict[str, Tensor]]:
    """Return LoRA's factors in float32, as `merge_lora` takes them, by the matrix's name."""
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
