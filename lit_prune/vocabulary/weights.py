"""The configuration and the weights of a model for a smaller vocabulary."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from lit_prune.errors import UserError
from lit_prune.export.tensor_files import FILES, checksums, is_export, load_tensors, save_tensors
from lit_prune.vocabulary.tokenizer import Numbering

CONFIG = "config.json"
GENERATION = "generation_config.json"
WEIGHTS = "model*.safetensors"
INDEX = "model.safetensors.index.json"


def token_ids(settings: PretrainedConfig) -> list[int]:
    """Return the ids of tokens in a configuration, such as `pad_token_id`."""
    values = [value for name, value in settings.to_dict().items() if name.endswith("_token_id")]
    return [each for value in values for each in (value if isinstance(value, list) else [value]) if each is not None]


def write_config(source: Path, folder: Path, numbering: Numbering) -> None:
    """Write the configuration of a model with the new size and ids.

    Args:
        source: The folder of the model.
        folder: The new folder.
        numbering: The tokens of the new vocabulary.
    """
    settings = AutoConfig.from_pretrained(source, trust_remote_code=False).to_dict()
    written = json.loads((source / CONFIG).read_text())
    changed = _converted(settings, numbering)
    written |= {name: value for name, value in changed.items() if name in written or value != settings[name]}
    written["vocab_size"] = len(numbering.old_ids)
    (folder / CONFIG).write_text(json.dumps(written, indent=2))
    if (source / GENERATION).is_file():
        generation = json.loads((source / GENERATION).read_text())
        (folder / GENERATION).write_text(json.dumps(generation | _converted(generation, numbering), indent=2))


def write_weights(source: Path, folder: Path, numbering: Numbering) -> None:
    """Write the weights of a model: of tensors over the vocabulary, the entries of kept tokens.

    Args:
        source: The folder of the model.
        folder: The new folder, with everything but the weights and the model card.
        numbering: The tokens of the new vocabulary.

    Raises:
        UserError: The weights are not in safetensors, or no tensor is over the vocabulary.
    """
    before, after = (AutoConfig.from_pretrained(place, trust_remote_code=False) for place in (source, folder))
    dims = vocabulary_dims(before, after)
    rows = torch.tensor(numbering.old_ids)
    paths = sorted(source.glob(WEIGHTS))
    found, num_bytes = set(), 0
    for path in paths:
        tensors, metadata, is_ours = _read(path)
        for name, value in tensors.items():
            if (dim := _dim(name, dims)) is not None:
                tensors[name] = value.index_select(dim, rows)
                found.add(name)
        num_bytes += sum(value.nbytes for value in tensors.values())
        if is_ours:
            save_tensors(tensors, folder / path.name, metadata | {FILES: json.dumps(checksums(folder))})
        else:
            (folder / path.name).write_bytes(save(tensors, metadata=metadata))
    if not found:
        raise UserError(
            f"{source} must have its embeddings in model.safetensors, got none there: save the model by transformers"
        )
    if (source / INDEX).is_file():
        index = json.loads((source / INDEX).read_text())
        index["metadata"] = {**index.get("metadata", {}), "total_size": num_bytes}
        (folder / INDEX).write_text(json.dumps(index, indent=2))


def vocabulary_dims(before: PretrainedConfig, after: PretrainedConfig) -> dict[str, int]:
    """Return the tensors of a model that the size of the vocabulary shapes, such as embeddings, tied ones and biases.

    Args:
        before: Its configuration.
        after: The same for another vocabulary.

    Returns:
        Name of the tensor, in the class that the configuration names or in the encoder alone -> its dimension that is
        over the vocabulary.
    """
    named = getattr(transformers, str((before.architectures or [None])[0]), None)
    builders: list[Callable[[PretrainedConfig], PreTrainedModel]] = [AutoModel.from_config]
    if isinstance(named, type) and issubclass(named, PreTrainedModel):
        builders.append(cast(Any, named)._from_config)
    dims = {}
    for build in builders:
        with torch.device("meta"):
            shapes = [
                {name: value.shape for name, value in build(each).state_dict().items()} for each in (before, after)
            ]
        for name, shape in shapes[0].items():
            for dim, (old, new) in enumerate(zip(shape, shapes[1][name], strict=True)):
                if old != new:
                    dims[name] = dim
    return dims


def _dim(name: str, dims: Mapping[str, int]) -> int | None:
    """Return the dimension over the vocabulary of a tensor in a file, whose name may have another prefix."""
    return next((dim for known, dim in dims.items() if f".{name}".endswith(f".{known}")), None)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str], bool]:
    """Return the tensors and the metadata of a file, and whether `lit_prune export` wrote it."""
    if is_export(path):
        return *load_tensors(path), True
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}, False  # noqa: SIM118


def _converted(values: Mapping[str, Any], numbering: Numbering) -> dict[str, Any]:
    """Return the ids of tokens among values with their new ones; ids that are no token's stay."""

    def new(value: Any) -> Any:
        return [new(each) for each in value] if isinstance(value, list) else numbering.new_ids.get(value, value)

    return {name: new(value) for name, value in values.items() if name.endswith("_token_id")}
