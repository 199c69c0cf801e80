"""Sources of masks: finished runs, and exports of masks. They are read by matrix, 8 entries to the byte."""

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
        name: What it is called: the run's experiment, version and axes.
        shapes: Shape of the matrix of each masked layer, by the layer's name in the run's model, in order.
        read: Name of a layer -> what is kept of its matrix, 8 entries to the byte, the last byte padded with 0.
    """

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], Bits]


def open_all(folders: Sequence[str]) -> list[Subnetwork]:
    """Open the subnetworks of runs, of their files of masks (for a task) or of exports; no mask is read yet.

    Raises:
        UserError: a folder is given twice or holds no masks, or masks are of other matrices than the first's.
    """
    places: dict[Path, str] = {}
    for folder in folders:
        if (place := Path(folder).resolve()) in places:
            raise UserError(f"{folder} is there twice (as {places[place]}): give each run once")
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
            raise UserError(f"{folder} holds neither a run.json nor a {FILE}: give a finished run, or exported masks")
        return _open_export(folder)
    if not (folder / "metrics.json").is_file():
        raise UserError(f"{folder} is not finished: finish it with lit_prune fit --resume {folder}")
    if not path.is_file():
        if by_task := sorted(each.name for each in folder.glob(f"*_{FILE}")):
            raise UserError(f"the masks of {folder} differ by task: give its files, {', '.join(by_task)}")
        raise UserError(f"{folder} has no masks: nothing of it was pruned (a dense run?); leave it out")
    names = {_layer(name): name for name in mask_shapes(path)}
    shapes = {_layer(name): shape for name, shape in mask_shapes(path).items()}
    own = "" if path.name == FILE else f" {path.name.removesuffix(f'_{FILE}')}"
    return Subnetwork(_name_of_run(folder) + own, shapes, lambda name: load_packed(path, names[name]))


def _layer(name: str) -> str:
    """Return the layer of a masked tensor."""
    return name.rpartition(".")[0]


def _name_of_run(folder: Path) -> str:
    """Return experiment, version and other axes: `mask/loss=poe/version_0`, `x/version_0 seed=1`."""
    try:
        record: dict[str, Any] = read_json(folder / "run.json", dict)
        said, axes = record["experiment"].split("/"), record["axes"].items()
    except (LookupError, AttributeError, TypeError) as error:
        raise UserError(f"{folder}/run.json cannot be read ({error}): restore the file") from error
    further = [f"{axis}={value}" for axis, value in axes if not {f"{axis}={value}", str(value)} & set(said)]
    return " ".join(["/".join([*said, folder.resolve().name]), *further])


def _open_export(folder: Path) -> Subnetwork:
    # Not above: these bring the libraries that build models, which runs' masks do without.
    from lit_prune.export.formats.masks import mask_shapes, unpack_mask
    from lit_prune.export.tensor_files import load_tensors

    path = folder / FILE
    codes, metadata = load_tensors(path)  # less than a bit for each entry
    try:
        stored = mask_shapes(codes, metadata)
        names = {_layer(name): name for name in stored}
    except (KeyError, ValueError) as error:
        raise UserError(f"{path} holds no masks that lit_prune export wrote ({error}): export the run again") from error

    def read(name: str) -> Bits:
        try:
            return np.packbits(unpack_mask(codes, names[name], stored[names[name]]))
        except (KeyError, ValueError) as error:
            raise UserError(f"{path} is damaged ({error}): export the run again") from error

    return Subnetwork(f"export {folder.resolve().name}", {name: stored[own] for name, own in names.items()}, read)


def _check_alike(
    folder: str, shapes: Mapping[str, tuple[int, ...]], first: str, expected: Mapping[str, tuple[int, ...]]
) -> None:
    for name in dict.fromkeys([*expected, *shapes]):
        if shapes.get(name) != expected.get(name):
            there, here = (_told(each.get(name)) for each in (expected, shapes))
            raise UserError(
                f"{folder} and {first} mask other matrices: {name} is {here} in the former and {there} in the latter; "
                "compare runs of one architecture"
            )


def _told(shape: tuple[int, ...] | None) -> str:
    return "not masked" if shape is None else " x ".join(map(str, shape))
