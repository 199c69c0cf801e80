"""The dense format: the matching model of plain transformers, pruned weights 0.

If transformers has no counterpart of the package's head, `AutoModel` reads the encoder, and the head is beside it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from lit_prune.data.configured import setting
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.counterpart import Counterpart, counterpart
from lit_prune.errors import UserError
from lit_prune.export.formats.format import Content, Export, Format, converted
from lit_prune.export.model import TaskModel
from lit_prune.export.trained import Trained
from lit_prune.sparsity.install import dense_state_dict
from lit_prune.tuning.adapter import has_adapters

FILE = "model.safetensors"
HEAD_FILE = "head.safetensors"


class Dense(Format):
    """The format that plain transformers loads."""

    name = "dense"
    purpose = "plain transformers loads it"
    files = (FILE, HEAD_FILE)
    library = "transformers"

    def check(self, trained: Trained) -> None:
        """Raise a UserError if the run has adapters, several tasks, or an encoder whose head transformers lacks."""
        if has_adapters(trained.model):
            raise UserError(
                f"--format must not be dense for {trained.run}: it has adapters, which transformers' models lack; use "
                "packed or delta"
            )
        model, task = trained.model, trained.model.tasks[trained.task]
        if task.architecture is not None and model_with_head(model, task) is None:
            raise UserError(
                f"--format must not be dense for {trained.run}: no model of transformers has the head of task "
                f"{task.name!r} on {model.encoder.model_type}; use packed"
            )

    def architecture(self, trained: Trained) -> str:
        """Return the class of transformers that loads the folder."""
        known = model_with_head(trained.model, trained.model.tasks[trained.task])
        return super().architecture(trained) if known is None else known.name

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return all weights under the names of transformers."""
        state = converted(dense_state_dict(trained.model), dtype)
        task, encoder = trained.model.tasks[trained.task], trained.model.encoder
        for name, content in task.files_beside(encoder, setting(trained.config, "data.max_length", int)).items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content, indent=2))
        return Content(split(state, trained.task, model_with_head(trained.model, task)), {})

    def elsewhere(self, trained: Trained) -> str:
        """Return how transformers loads it."""
        task = trained.model.tasks[trained.task]
        known = model_with_head(trained.model, task)
        load = task.loader if known is None else f"transformers.{known.auto}.from_pretrained(FOLDER)"
        return load and f"\nOr without lit_prune: `{load}`.\n"

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Load the encoder and the head of its one task."""
        (only,) = model.tasks.values()
        model.take(join(exports[0].tensors, only.name, model_with_head(model, only)))


def model_with_head(model: TaskModel, task: Task) -> Counterpart | None:
    """Return the model of transformers with the layers of a task's head, or None."""
    known = counterpart(model.encoder, task.architecture)
    own = {name.rpartition(".")[0] for name, _ in model.heads[task.name].named_parameters() if ".mask." not in name}
    return known if known is not None and own == set(known.layers) else None


def split(state: Mapping[str, Tensor], task: str, known: Counterpart | None) -> dict[str, dict[str, Tensor]]:
    """Return the dense state dict of a `TaskModel` of one task under the names of transformers, by file and name."""
    encoder, head = _below("encoder.backbone.", state), _below(f"heads.{task}.", state)
    if known is None:
        return {FILE: encoder} | ({HEAD_FILE: head} if head else {})
    return {FILE: _under(known.prefix, encoder) | _renamed(head, known.layers)}


def join(files: Mapping[str, Mapping[str, Tensor]], task: str, known: Counterpart | None) -> dict[str, Tensor]:
    """Return the state dict that `split` took."""
    encoder, head = files[FILE], files.get(HEAD_FILE, {})
    if known is not None and not head:
        layers = {theirs: ours for ours, theirs in known.layers.items()}
        of_head = {name for name in encoder if name.rpartition(".")[0] in layers}
        head = _renamed({name: encoder[name] for name in of_head}, layers)
        encoder = _below(known.prefix, {name: value for name, value in encoder.items() if name not in of_head})
    return _under("encoder.backbone.", encoder) | _under(f"heads.{task}.", head)


def _renamed(tensors: Mapping[str, Tensor], layers: Mapping[str, str]) -> dict[str, Tensor]:
    split_names = {name: name.rpartition(".") for name in tensors}
    return {f"{layers[layer]}.{part}": tensors[name] for name, (layer, _, part) in split_names.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}
