"""Files that are there whole or not at all, and that are known to be what was written.

A run's folder holds `checksums.json`: the SHA-256 of each json, parquet and safetensors file that the run wrote there.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.limits import parse_yaml, read_bounded

Write = Callable[[Path], object]  # fills the file that it is given
Writer = Callable[[Path, Write], None]  # `write_atomically`, or `write_recorded` for a file of a run

CHECKSUMS = "checksums.json"
PARTIAL = ".partial"  # ends the name of a file that is being written
_READS = 3  # of a file that another process may be replacing


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn an operating system error while `--out` is written, such as a full disk, into a `UserError`."""
    try:
        yield
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error}") from error


def new_path(out: str, folder: bool = False) -> Path:
    """Return the path that `--out` names, where there is nothing yet (or an empty folder, if it is to be a folder).

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


# ---- writing -------------------------------------------------------------------------------------------------------


def write_atomically(path: Path, write: Write) -> None:
    """Write a file so that, whatever interrupts it, `path` is the old file or the new one.

    The new file is written beside the old one, reaches the disk, and takes its name: a second name (hard link) of the
    old file still leads to the old content.

    Args:
        path: The file.
        write: Fills the file that it is given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        write(partial)
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_folder(path: Path, fill: Write) -> None:
    """Let `fill` put files into a folder beside `path`, then make it `path`, which is not there yet or empty."""
    path = path.resolve()
    partial = _partial(path)
    partial.mkdir(parents=True)
    try:
        fill(partial)
        os.replace(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_recorded(path: Path, write: Write) -> None:
    """Write a file of a run atomically, and its SHA-256 into the `checksums.json` beside it.

    The checksum is there before the file. Until the next write that of the file before stays valid too, so that a run
    killed between the two is not called damaged.

    Args:
        path: The file.
        write: Fills the file that it is given.
    """

    def write_both(partial: Path) -> None:
        write(partial)
        known = _read_checksums(path.parent)
        before = [_sha256(path)] if path.is_file() else []
        known[path.name] = [_sha256(partial), *(each for each in before if each in known.get(path.name, before))]
        write_json(known, path.with_name(CHECKSUMS))

    write_atomically(path, write_both)


def write_json(values: Mapping[str, Any] | Sequence[Any], path: Path, writer: Writer = write_atomically) -> None:
    """Write one JSON object or list.

    Args:
        values: The object or list.
        path: The file.
        writer: `write_atomically`, or `write_recorded` for a file of a run.
    """
    writer(path, lambda partial: partial.write_text(json.dumps(values, indent=1) + "\n"))


def remove_partials(folder: Path) -> None:
    """Remove what a killed process left half-written in a folder that no other process writes to, and below it."""
    for partial in [*folder.glob(f".*{PARTIAL}"), *folder.glob(f"*/.*{PARTIAL}")]:
        partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{os.getpid()}{PARTIAL}")


def _sync(path: Path) -> None:
    """Flush a file's content, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- reading -------------------------------------------------------------------------------------------------------


def check_no_link(path: Path) -> None:
    """Check that a file or folder of a run is no symbolic link, before anything is opened.

    Raises:
        UserError: it is one.
    """
    if path.is_symlink():
        kind = "folder of its run" if path.is_dir() else "file of its folder"
        raise UserError(f"{path} must be a {kind}, got a link to {path.readlink()}: put a copy there")


def check_undamaged(path: Path) -> None:
    """Compare a file with its SHA-256 in the `checksums.json` beside it; a file that is not listed there passes.

    Raises:
        UserError: they differ, or the file or `checksums.json` cannot be read, or one of them is a link to another.
    """
    check_no_link(path)
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    for attempt in range(_READS):
        known = _read_checksums(path.parent).get(path.name)
        if known is None or _sha256(path) in known:
            return
        time.sleep(0.02 * attempt)  # a run that is under way may have replaced both in between
    raise UserError(
        f"{path} is damaged or was changed: its SHA-256 is none of those in {CHECKSUMS}; restore the file, or run it "
        "again"
    )


def read_verified(path: Path) -> bytes:
    """Return the content of a json or yaml file, verified by `check_undamaged`.

    Raises:
        UserError: the file is damaged, too large, a link to another, or cannot be read.
    """
    check_no_link(path)
    try:
        content = read_bounded(path)
        check_undamaged(path)
        return content
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def read_json(path: Path, kind: type) -> Any:
    """Return the content of a JSON file, verified by `check_undamaged`.

    Args:
        path: The file.
        kind: `dict` or `list`.

    Raises:
        UserError: the file holds something else, is damaged, or cannot be read.
    """
    try:
        content = json.loads(read_verified(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, kind):
        raise UserError(f"{path} must hold a JSON {'object' if kind is dict else 'list'}, got {str(content)[:40]!r}")
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a yaml file holds, plain values only.

    Raises:
        UserError: the file holds something else, or cannot be read.
    """
    content = parse_yaml(read_verified(path), path)
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a yaml mapping, got {str(content)[:40]!r}")
    return content


def _read_checksums(folder: Path) -> dict[str, list[str]]:
    path = folder / CHECKSUMS
    check_no_link(path)
    if not path.is_file():
        return {}
    try:
        known = json.loads(read_bounded(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}): remove it to go without checksums") from error
    if not isinstance(known, dict) or not all(isinstance(each, list) for each in known.values()):
        raise UserError(f"{path} is damaged: remove it to go without checksums")
    return known


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
