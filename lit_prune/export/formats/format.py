"""`Format`: a way to write a trained model as a folder and, if it can be loaded, to load it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

import torch
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.export.model import TaskModel
from lit_prune.export.tensor_files import place_of
from lit_prune.export.trained import Trained

Made = TypeVar("Made")
INT8 = "int8"
DTYPES = {"float32": torch.float32, "float16": torch.float16, INT8: torch.float16}  # of int8, what is no matrix


@dataclass(frozen=True)
class Export:
    """The content of an exported folder, its files verified.

    Attributes:
        folder: The folder.
        format: Its format.
        tensors: The tensors by name, by the name of their file.
        metadata: The metadata of the format's first file.
        settings: `config.json`.
        tasks: The tasks as plain values (`data.tasks.kinds.describe`).
        num_bytes: Size of the tensor files.
    """

    folder: Path
    format: "Format"
    tensors: dict[str, dict[str, Tensor]]
    metadata: Mapping[str, str]
    settings: dict[str, Any]
    tasks: list[dict[str, Any]]
    num_bytes: int


class Content(NamedTuple):
    """The tensors of an export by the name of their file, and metadata for the headers of the files."""

    tensors: dict[str, dict[str, Tensor]]
    metadata: dict[str, str]


class Format(ABC):
    """A format of exports; a subclass in a file of its own, without arguments.

    Its folder also has `config.json`, the tokenizer and a model card, which are the same in all formats.
    """

    name: ClassVar[str]  # of `--format`
    purpose: ClassVar[str]  # for the help of `--format`
    files: ClassVar[tuple[str, ...]]  # the tensor files, the first of which every folder of the format has
    library: ClassVar[str] = "lit_prune"  # that loads it, for the model card
    has_weights: ClassVar[bool] = True
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float16")  # of `--dtype`

    def check(self, trained: Trained) -> None:  # noqa: B027 (most formats fit every run)
        """Raise a UserError if a run does not fit the format."""

    def architecture(self, trained: Trained) -> str:
        """Return the class of transformers that loads the folder, for `config.json`."""
        return type(trained.model.encoder.backbone).__name__

    @abstractmethod
    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return the tensors to write, and write files beside them, if there are any.

        Args:
            trained: The run's result; it is not changed.
            dtype: The data type of the weights, one of `dtypes`; see `converted`.
            folder: The folder, with its configuration and tokenizer.

        Raises:
            UserError: the run does not fit the format, or a weight the data type.
        """

    def needs_base(self, trained: Trained) -> bool:
        """Return True if loading the folder needs `base`."""
        return False

    def elsewhere(self, trained: Trained) -> str:
        """Return the section of the model card on loading it without lit_prune, or nothing."""
        return ""

    def check_together(self, exports: Sequence[Export]) -> None:
        """Raise a UserError unless several folders of the format can be loaded into one model."""
        raise UserError(
            f"{exports[0].folder} must be a delta to be loaded with other folders, got {self.name}: export it with "
            "--format delta"
        )

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Load the weights into a model of the same configuration and tasks; damaged content may raise anything.

        Args:
            model: The model.
            exports: The folder, or several that go together.
            base: The model that the weights are relative to, or None if unknown.
        """
        raise UserError(f"{exports[0].folder} must have a format that can be loaded, got {self.name}: use another")


def weights_of(model: TaskModel) -> dict[str, Tensor]:
    """Return the state dict of a model without its masks."""
    return {name: value for name, value in model.state_dict().items() if ".mask." not in name}


def converted(tensors: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """Convert the weights among tensors to a data type.

    Raises:
        UserError: a weight is too large for it.
    """
    return each_once(tensors, lambda name, value: _converted(name, value, dtype))


def each_once(tensors: Mapping[str, Tensor], make: Callable[[str, Tensor], Made]) -> dict[str, Made]:
    """Return what is made of each tensor by its name; of one with several names it is made once."""
    made: dict[tuple[int, ...], Made] = {}
    for name, value in tensors.items():
        if (place := place_of(value)) not in made:
            made[place] = make(name, value)
    return {name: made[place_of(value)] for name, value in tensors.items()}


def _converted(name: str, value: Tensor, dtype: str) -> Tensor:
    if not value.is_floating_point():
        return value
    made = value.detach().to(DTYPES[dtype])
    if not made.isfinite().all():
        raise UserError(f"--dtype must hold all values, got {dtype} for {name}: use --dtype float32")
    return made
