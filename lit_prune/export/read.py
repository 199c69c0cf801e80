"""Read an exported folder: data only, nothing that a file names is imported or run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lit_prune.encoders.untrusted import NAME_CODE
from lit_prune.errors import UserError
from lit_prune.export.formats.format import Export
from lit_prune.export.formats.known import format_of
from lit_prune.export.tensor_files import FILES, TASKS, checksums, load_tensors

# Errors that content without a checksum can raise.
_DAMAGED = (OSError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


@contextmanager
def reading(folders: Sequence[Path]) -> Iterator[None]:
    """Raise errors that damaged content of exported folders causes as a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except _DAMAGED as error:
        where = ", ".join(map(str, folders))
        raise UserError(
            f"{where} must be written by lit_prune export, got {type(error).__name__} ({error!s:.300}): export it again"
        ) from error


def read_export(folder: Path, plugins: Mapping[str, type]) -> Export:
    """Read a folder's files, verified by their checksums; errors of their content are those of `reading`.

    Args:
        folder: The folder.
        plugins: The classes of the user's own modules, by class path.

    Raises:
        UserError: the folder is no export, or a file in it is missing, damaged or changed, or names code.
    """
    form = format_of(folder, plugins)
    names = [name for name in form.files if (folder / name).is_file()]
    # Checksums first: nothing damaged reaches a parser.
    files = {name: load_tensors(folder / name) for name in names}
    metadata = files[names[0]][1]
    found = checksums(folder)
    for name, expected in json.loads(metadata[FILES]).items():
        if found.get(name) != expected:
            raise UserError(f"{folder / name} must be as it was exported, got none or another: export the run again")
    settings = json.loads((folder / "config.json").read_text())
    tasks = json.loads(metadata[TASKS])
    if named := sorted({*NAME_CODE} & settings.keys()):
        raise UserError(f"{folder}/config.json must not have {named}, which name code to run: export the run again")
    for each in tasks:
        if "class_path" in each and each["class_path"] not in plugins:
            raise UserError(
                f"unknown class {each['class_path']!r} of task {each['name']!r}: name the module that defines it, "
                "load(folder, plugins=[MODULE])"
            )
    num_bytes = sum((folder / name).stat().st_size for name in names)
    return Export(folder, form, {name: each for name, (each, _) in files.items()}, metadata, settings, tasks, num_bytes)


def check_together(exports: Sequence[Export], tasks: Sequence[str]) -> None:
    """Raise a UserError unless several exports are of one format that can be combined, and of different tasks.

    Args:
        exports: The exports.
        tasks: The names of the tasks of all of them.
    """
    first = exports[0].format
    for export in exports:
        if type(export.format) is not type(first):
            export.format.check_together([export])
    first.check_together(exports)
    if twice := sorted({name for name in tasks if tasks.count(name) > 1}):
        raise UserError(f"folders must have different tasks, got {twice[0]!r} twice: give one of each")
