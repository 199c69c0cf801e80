"""Masks read from finished runs and from exports, one matrix at a time, 8 entries per byte."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lit_prune.errors import UserError
from lit_prune.files import read_json
from lit_prune.sparsity.files import FILE, load_packed, mask_shapes

Bits: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Subnetwork:
    """The masks of one run.

    Attributes:
        name: Experiment, version and axes of the run.
        shapes: Shapes of the masked matrices by the names of their layers, in the order of the model.
        read: Returns the mask of a layer by its name, 8 entries per byte, the last byte padded with 0.
    """

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], Bits]


def open_all(folders: Sequence[str]) -> list[Subnetwork]:
    """Open the masks of runs, of a task of a run, or of exports, without reading them yet.

    Args:
        folders: Folders of runs or exports, or files `<task>_masks.safetensors` in a run's folder.

    Raises:
        UserError: A folder is given twice or has no masks, or the masked matrices differ from those of the first.
    """
    places: dict[Path, str] = {}
    for folder in folders:
        if (place := Path(folder).resolve()) in places:
            raise UserError(f"runs must be different, got {folder} twice (as {places[place]} too): give each run once")
        places[place] = folder
    opened = [_open(Path(folder)) for folder in folders]
    for folder, each in zip(folders[1:], opened[1:], strict=True):
        _check_alike(folder, each.shapes, folders[0], opened[0].shapes)
    names = [each.name for each in opened]
    return [
        Subnetwork(each.name if names.count(each.name) == 1 else f"{each.name} ({folder})", each.shapes, each.read)
        for folder, each in zip(folders, opened, strict=True)
    ]


def _open(place: Path) -> Subnetwork:
    folder, path = (place.parent, place) if place.is_file() else (place, place / FILE)
    if not (folder / "run.json").is_file():
        if not path.is_file():
            raise UserError(f"{folder} must be a finished run or exported masks, got neither run.json nor {FILE} in it")
        return _open_export(folder)
    if not (folder / "metrics.json").is_file():
        raise UserError(
            f"{folder} must be complete, got an incomplete run: resume it with lit_prune fit --resume {folder}"
        )
    if not path.is_file():
        if by_task := sorted(each.name for each in folder.glob(f"*_{FILE}")):
            raise UserError(
                f"{folder} must have one mask file, got one for each task: give one of {', '.join(by_task)}"
            )
        raise UserError(f"{folder} must be a pruned run, got one without masks: leave it out")
    names = {_layer(name): name for name in mask_shapes(path)}
    shapes = {_layer(name): shape for name, shape in mask_shapes(path).items()}
    task = "" if path.name == FILE else f" {path.name.removesuffix(f'_{FILE}')}"
    return Subnetwork(_run_name(folder) + task, shapes, lambda name: load_packed(path, names[name]))


def _layer(name: str) -> str:
    """Return the name of the layer of a masked tensor."""
    return name.rpartition(".")[0]


def _run_name(folder: Path) -> str:
    """Return experiment, version and the axes not in them: `mask/loss=poe/version_0`, `x/version_0 seed=1`."""
    try:
        record: dict[str, Any] = read_json(folder / "run.json", dict)
        parts, axes = record["experiment"].split("/"), record["axes"].items()
    except (LookupError, AttributeError, TypeError) as error:
        raise UserError(f"{folder}/run.json must have experiment and axes, got {error!r}: restore the file") from error
    further = [f"{axis}={value}" for axis, value in axes if not {f"{axis}={value}", str(value)} & set(parts)]
    return " ".join(["/".join([*parts, folder.resolve().name]), *further])


def _open_export(folder: Path) -> Subnetwork:
    # Not above: these import the libraries that build models, which masks of runs do not need.
    from lit_prune.export.formats.masks import mask_shapes, unpack_mask
    from lit_prune.export.tensor_files import load_tensors

    path = folder / FILE
    codes, metadata = load_tensors(path)  # small: less than a bit per entry
    try:
        stored = mask_shapes(codes, metadata)
        names = {_layer(name): name for name in stored}
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} must be written by lit_prune export, got {error!r}: export the run again") from error

    def read(name: str) -> Bits:
        try:
            return np.packbits(unpack_mask(codes, names[name], stored[names[name]]))
        except (KeyError, ValueError) as error:
            raise UserError(f"{path} must have valid masks, got {error!r}: export the run again") from error

    shapes = {name: stored[stored_name] for name, stored_name in names.items()}
    return Subnetwork(f"export {folder.resolve().name}", shapes, read)


def _check_alike(
    folder: str, shapes: Mapping[str, tuple[int, ...]], first: str, expected: Mapping[str, tuple[int, ...]]
) -> None:
    for name in dict.fromkeys([*expected, *shapes]):
        if shapes.get(name) != expected.get(name):
            expected_shape, shape = (_shape_text(each.get(name)) for each in (expected, shapes))
            raise UserError(
                f"runs must have the same masked matrices, got {name} {shape} in {folder} and {expected_shape} in "
                f"{first}: compare runs of one architecture"
            )


def _shape_text(shape: tuple[int, ...] | None) -> str:
    return "not masked" if shape is None else " x ".join(map(str, shape))
