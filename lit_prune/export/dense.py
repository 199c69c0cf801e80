"""The dense format: the matching model of plain transformers, pruned weights 0.

Where transformers has no counterpart of the package's head, `AutoModel` reads the encoder, and the head lies beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder

FILE = "model.safetensors"
HEAD_FILE = "head.safetensors"


@dataclass(frozen=True)
class Counterpart:
    """A model of transformers.

    Attributes:
        auto: The class that loads it.
        name: Its own class.
        encoder: What its names of the encoder begin with.
        head: What its names of the head begin with.
        ours: What the package's names of the head begin with in their place.
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


def split(state: Mapping[str, Tensor], task: str, known: Counterpart | None) -> dict[str, dict[str, Tensor]]:
    """The dense state dict of a `TaskModel` of one task under the names of transformers: tensors by file, by name."""
    encoder, head = _below("encoder.backbone.", state), _below(f"heads.{task}.", state)
    if known is None:
        return {HEAD_FILE: head, FILE: encoder}
    return {FILE: _under(known.encoder, encoder) | _under(known.head, _below(known.ours, head))}


def join(files: Mapping[str, Mapping[str, Tensor]], task: str, known: Counterpart | None) -> dict[str, Tensor]:
    """The state dict that `split` took."""
    encoder, head = files[FILE], files.get(HEAD_FILE, {})
    if known is not None and not head:
        head = {name: value for name, value in encoder.items() if not name.startswith(known.encoder)}
        encoder, head = _below(known.encoder, encoder), _under(known.ours, _below(known.head, head))
    return _under("encoder.backbone.", encoder) | _under(f"heads.{task}.", head)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}
