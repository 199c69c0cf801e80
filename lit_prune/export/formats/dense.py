"""The dense format: the matching model of plain transformers, pruned weights 0.

If transformers has no counterpart of the package's head, `AutoModel` reads the encoder, and the head is beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.formats.format import Content, Export, Format, converted
from lit_prune.export.model import TaskModel
from lit_prune.export.trained import Trained
from lit_prune.sparsity.install import dense_state_dict
from lit_prune.tuning.adapter import has_adapters

FILE = "model.safetensors"
HEAD_FILE = "head.safetensors"


@dataclass(frozen=True)
class Counterpart:
    """A model of transformers.

    Attributes:
        auto: The class that loads it.
        name: Its own class.
        encoder: The beginning of its names of the encoder's tensors.
        head: The beginning of its names of the head's tensors.
        ours: The beginning of the package's names that stands for `head`.
    """

    auto: str
    name: str
    encoder: str
    head: str
    ours: str = ""


FAMILIES = {"bert": "Bert", "roberta": "Roberta"}  # model type -> the beginning of its classes' names


def counterpart(encoder: PrunableEncoder, task: Task) -> Counterpart | None:
    """Return the model of transformers for an encoder with the head of a task; None: there is none."""
    model_type = encoder.model_type
    if task.architecture is None or model_type not in FAMILIES:
        return None
    head, ours = task.head_names(encoder.has_pooler)
    kind = f"For{task.architecture}"
    return Counterpart(f"AutoModel{kind}", f"{FAMILIES[model_type]}{kind}", f"{model_type}.", head, ours)


class Dense(Format):
    """The format that plain transformers loads."""

    name = "dense"
    purpose = "plain transformers loads it"
    files = (FILE, HEAD_FILE)
    library = "transformers"

    def check(self, trained: Trained) -> None:
        """Raise a UserError if the run has adapters or several tasks."""
        if has_adapters(trained.model):
            raise UserError(
                f"--format must not be dense for {trained.run}: it has adapters, which transformers' models lack; use "
                "packed or delta"
            )
        _counterpart_of(trained)

    def architecture(self, trained: Trained) -> str:
        """Return the class of transformers that loads the folder."""
        known = _counterpart_of(trained)
        return super().architecture(trained) if known is None else known.name

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return all weights under the names of transformers."""
        state = converted(dense_state_dict(trained.model), dtype)
        return Content(split(state, trained.task, _counterpart_of(trained)), {})

    def elsewhere(self, trained: Trained) -> str:
        """Return how transformers loads it."""
        known = _counterpart_of(trained)
        load = "" if known is None else f"`transformers.{known.auto}.from_pretrained(FOLDER)`"
        return load and f"\nOr without lit_prune: {load}.\n"

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Load the encoder and the head of its one task."""
        (only,) = model.tasks.values()
        model.take(join(exports[0].tensors, only.name, counterpart(model.encoder, only)))


def _counterpart_of(trained: Trained) -> Counterpart | None:
    return counterpart(trained.model.encoder, trained.model.tasks[trained.task])


def split(state: Mapping[str, Tensor], task: str, known: Counterpart | None) -> dict[str, dict[str, Tensor]]:
    """Return the dense state dict of a `TaskModel` of one task under the names of transformers, by file and name."""
    encoder, head = _below("encoder.backbone.", state), _below(f"heads.{task}.", state)
    if known is None:
        return {HEAD_FILE: head, FILE: encoder}
    return {FILE: _under(known.encoder, encoder) | _under(known.head, _below(known.ours, head))}


def join(files: Mapping[str, Mapping[str, Tensor]], task: str, known: Counterpart | None) -> dict[str, Tensor]:
    """Return the state dict that `split` took."""
    encoder, head = files[FILE], files.get(HEAD_FILE, {})
    if known is not None and not head:
        head = {name: value for name, value in encoder.items() if not name.startswith(known.encoder)}
        encoder, head = _below(known.encoder, encoder), _under(known.ours, _below(known.head, head))
    return _under("encoder.backbone.", encoder) | _under(f"heads.{task}.", head)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}
