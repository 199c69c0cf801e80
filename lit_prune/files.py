"""Files that are there whole or not at all."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Make the system's refusal to write what `--out` names, as of a full disk, the user's error."""
    try:
        yield
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error}") from error


def new_path(out: str, folder: bool = False) -> Path:
    """The path that `--out` names, where there is nothing yet (or an empty folder, if it is to be a folder).

    Raises:
        UserError: something is there, or nothing can be put there.
    """
    path = Path(out)
    if path.exists() and not (folder and path.is_dir() and not any(path.iterdir())):
        kind = " and not an empty folder" if folder else ""
        raise UserError(f"--out {out} is there already{kind}: nothing is overwritten, give another")
    above = next(each for each in path.absolute().parents if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UserError(f"--out {out} cannot be written: {above} is not a folder that you may write to")
    return path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in place of `path`, whatever cuts it off in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_folder(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` put files into a folder beside `path`, then make it `path`, which is not there yet or empty."""
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        fill(partial)
        os.replace(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_json(values: Mapping[str, Any] | Sequence[Any], path: Path) -> None:
    """Write one JSON object or list."""
    write_atomically(path, lambda partial: partial.write_text(json.dumps(values, indent=1) + "\n"))
