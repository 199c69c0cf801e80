"""Load an exported folder: data only, nothing that a file names is imported or run."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.kinds import rebuild
from lit_prune.encoders.untrusted import NAME_CODE
from lit_prune.errors import UserError
from lit_prune.export import compact, csr, delta, dense, lowrank, masks, packed
from lit_prune.export.files import load_tensors
from lit_prune.export.model import Changes, LoraChanges, TaskModel, empty_encoder

TASKS = "lit_prune.tasks"  # in a tensor file's header: what its tasks are
FILES = "lit_prune.files"  # in a tensor file's header: the SHA-256 of each file that is read beside it
# What content that no checksum vouches for can raise.
_DAMAGED = (OSError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
_FORMATS = (packed.FILE, compact.FILE, lowrank.FILE, csr.FILE, masks.FILE, delta.FILE, dense.FILE, dense.HEAD_FILE)


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that is in a folder itself, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()
    }


def format_of(folder: Path) -> str:
    """The format of a folder that `lit_prune export` wrote, by the names of its files.

    Raises:
        UserError: it is none.
    """
    name = _files_of(folder)[0]
    return "dense" if name == dense.FILE else Path(name).stem


def load(
    folder: str | Path | Sequence[str | Path], base: str | Path | None = None, task: str | None = None
) -> TaskModel:
    """Load a model that `lit_prune export` wrote.

    Args:
        folder: The folder, of any format; or several of deltas over one base, of different tasks.
        base: For masks alone: the run or the checkpoint that holds the model they are for. For deltas what they are
            over: a backbone, a run, a checkpoint or another export; None: the backbone that they were made from.
        task: The task to use of several, None: the first; `model.use(TASK)` switches to another.

    Returns:
        The model in float32 and evaluation mode, on the CPU. `model(**inputs)` takes what its tokenizer
        (`model.encoder.tokenizer`) returns; the result has `logits`, of classes (batch, classes).

    Raises:
        UserError: the folder is none of an export, or a file in it is missing, damaged or changed, or it has no such
            task, or the folders do not go together.
    """
    folders = [Path(each) for each in ([folder] if isinstance(folder, str | Path) else folder)]
    try:
        exports = [_read(each) for each in folders]
        first = exports[0]
        tasks = [rebuild(each, NoRows()) for export in exports for each in export.tasks]
        _check_together(folders, exports, [each.name for each in tasks])
        model = TaskModel(empty_encoder({"backbone": str(folders[0])}, first.num_bytes), tasks)
        if first.names in ([packed.FILE], [csr.FILE]):
            state = packed.unpack_state(first.tensors[first.names[0]], first.metadata)
        elif first.names == [compact.FILE]:
            compact.shrink_to(model, json.loads(first.metadata[compact.SIZES]))
            state = first.tensors[compact.FILE]
        elif first.names == [lowrank.FILE]:
            state = first.tensors[lowrank.FILE]
            lowrank.shape_like(model, state)
        elif first.names == [masks.FILE]:
            state = masks.masked_base(first.tensors[masks.FILE], first.metadata, base, model.tasks)
        elif first.names == [delta.FILE]:
            state = delta.find_base(first.metadata, None if base is None else str(base))
            for export in exports:
                written = export.tensors[delta.FILE], export.metadata
                state |= delta.others(*written)
                factors = delta.lora_factors(*written)
                changes = LoraChanges(factors) if factors else Changes(delta.changes(*written))
                model.changes |= {each["name"]: changes for each in export.tasks}
        else:
            (only,) = first.tasks
            known = dense.counterpart(model.encoder, tasks[0])
            state = dense.join(first.tensors, only["name"], known)
        model.take(state)
        if first.names == [csr.FILE]:
            csr.install_sparse(model, csr.sparse_enough(packed.kept_shares(first.tensors[csr.FILE], first.metadata)))
        model = model.eval().requires_grad_(False).use(model.task)
    except UserError:
        raise
    except _DAMAGED as error:
        where = ", ".join(map(str, folders))
        raise UserError(
            f"{where} must be written by lit_prune export ({type(error).__name__}: {error!s:.300})"
        ) from error
    return model if task is None else model.use(task)


@dataclass(frozen=True)
class _Export:
    """What is in the files of a folder."""

    names: list[str]
    tensors: dict[str, dict[str, Tensor]]
    metadata: Mapping[str, str]
    settings: dict[str, Any]
    tasks: list[dict[str, Any]]
    num_bytes: int


def _files_of(folder: Path) -> list[str]:
    names = [name for name in _FORMATS if (folder / name).is_file()]
    if not names or names == [dense.HEAD_FILE]:
        raise UserError(f"{folder} holds none of {', '.join(_FORMATS[:-1])}: give the --out of lit_prune export")
    return names


def _read(folder: Path) -> _Export:
    """Read a folder's files, under their checksums; errors of their content are as they come."""
    names = _files_of(folder)
    # Checksums first: nothing damaged gets as far as a parser.
    files = {name: load_tensors(folder / name) for name in names}
    metadata = files[names[0]][1]
    found = checksums(folder)
    for name, expected in json.loads(metadata[FILES]).items():
        if found.get(name) != expected:
            raise UserError(f"{folder / name} is missing, damaged or changed: export the run again")
    settings = json.loads((folder / "config.json").read_text())
    tasks = json.loads(metadata[TASKS])
    if named := sorted({*NAME_CODE} & settings.keys()):
        raise UserError(f"{folder}/config.json has {named}, which name code to run: lit_prune export writes none")
    num_bytes = sum((folder / name).stat().st_size for name in names)
    return _Export(names, {name: each for name, (each, _) in files.items()}, metadata, settings, tasks, num_bytes)


def _check_together(folders: Sequence[Path], exports: Sequence[_Export], tasks: Sequence[str]) -> None:
    """Whether several folders are deltas over one base, of different tasks."""
    if len(exports) == 1:
        return
    for folder, export in zip(folders, exports, strict=True):
        if export.names != [delta.FILE]:
            raise UserError(f"{folder} is no delta: several folders are deltas over one base (export --format delta)")
        if export.metadata[delta.BASE_HASH] != exports[0].metadata[delta.BASE_HASH]:
            raise UserError(f"{folder} is over another base than {folders[0]}: load it by itself")
        if any(name.startswith("encoder.") for name in delta.others(export.tensors[delta.FILE], export.metadata)):
            raise UserError(f"{folder} has adapters, which cannot be swapped: load it by itself")
    if twice := sorted({name for name in tasks if tasks.count(name) > 1}):
        raise UserError(f"several of the folders have the task {twice[0]!r}: give one of each")
