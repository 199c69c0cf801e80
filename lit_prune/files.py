"""Atomic writing of files, and verified reading.

The folder of a run contains `checksums.json`: the SHA-256 of the json, parquet and safetensors files of the run.
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

Write = Callable[[Path], object]  # writes a file at a path
Writer = Callable[[Path, Write], None]  # `write_atomically`, or `write_recorded` for a file of a run

CHECKSUMS = "checksums.json"
PARTIAL = ".partial"  # suffix of a file that is being written
_READS = 3  # attempts, as another process may be replacing the file


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Raise errors of the operating system while `--out` is written, such as a full disk, as a `UserError`."""
    try:
        yield
    except OSError as error:
        raise UserError(f"--out must be writable, got {out} ({error}): free space or grant access") from error


def new_path(out: str, folder: bool = False) -> Path:
    """Check that `--out` can be written and return it as a path.

    Args:
        out: The path of a new file or folder.
        folder: True for a folder, which may exist if it is empty.

    Raises:
        UserError: The path exists, or cannot be created.
    """
    path = Path(out)
    if path.exists() and not (folder and path.is_dir() and not any(path.iterdir())):
        kind = "a new or empty folder" if folder else "a new file"
        raise UserError(f"--out must be {kind}, got {out}, which exists: nothing is overwritten, choose another")
    parent = next(each for each in path.absolute().parents if each.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise UserError(f"--out must be in a folder that you may write to, got {out}: check {parent}")
    return path


# ---- writing -------------------------------------------------------------------------------------------------------


def write_atomically(path: Path, write: Write) -> None:
    """Write a file so that `path` is the old or the new file, even if writing is interrupted.

    The new file is written beside the old one, flushed to the disk and renamed: hard links to the old file keep its
    content.

    Args:
        path: The file.
        write: Writes the content to the path that it receives.
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
    """Create a folder atomically: `fill` writes into a temporary folder, which is then renamed to `path`."""
    path = path.resolve()
    partial = _partial(path)
    partial.mkdir(parents=True)
    try:
        fill(partial)
        os.replace(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_recorded(path: Path, write: Write) -> None:
    """Write a file of a run atomically, and its SHA-256 to `checksums.json` in the same folder.

    The checksum is written before the file, and that of the previous file stays valid until the next write, so that a
    run killed between the two writes does not count as damaged.

    Args:
        path: The file.
        write: Writes the content to the path that it receives.
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
    """Remove partial files of killed processes from a folder and its subfolders; no other process may write there."""
    for partial in [*folder.glob(f".*{PARTIAL}"), *folder.glob(f"*/.*{PARTIAL}")]:
        partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{os.getpid()}{PARTIAL}")


def _sync(path: Path) -> None:
    """Flush the content of a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- reading -------------------------------------------------------------------------------------------------------


def check_no_link(path: Path) -> None:
    """Check that a file or folder of a run is not a symbolic link, before it is opened.

    Raises:
        UserError: The path is a symbolic link.
    """
    if path.is_symlink():
        kind = "folder of its run" if path.is_dir() else "file of its folder"
        raise UserError(f"{path} must be a {kind}, got a link to {path.readlink()}: put a copy there")


def check_undamaged(path: Path) -> None:
    """Compare a file with its SHA-256 in `checksums.json` in the same folder; files not listed there pass.

    Raises:
        UserError: The SHA-256 differs, a file cannot be read, or one of them is a link.
    """
    check_no_link(path)
    if not path.is_file():
        raise UserError(f"{path} must be an existing file: check the path")
    for attempt in range(_READS):
        known = _read_checksums(path.parent).get(path.name)
        if known is None or _sha256(path) in known:
            return
        time.sleep(0.02 * attempt)  # an active run may have replaced both in between
    raise UserError(
        f"{path} must have a SHA-256 in {CHECKSUMS}, got another: it is damaged or was changed, restore the file, or "
        "run it again"
    )


def read_verified(path: Path) -> bytes:
    """Return the content of a json or yaml file, verified by `check_undamaged`.

    Raises:
        UserError: The file is damaged, too large or a link, or cannot be read.
    """
    check_no_link(path)
    try:
        content = read_bounded(path)
        check_undamaged(path)
        return content
    except OSError as error:
        raise UserError(
            f"{path} must be readable, got {error.strerror or error}: grant access or restore it"
        ) from error


def read_json(path: Path, kind: type) -> Any:
    """Return the content of a JSON file, verified by `check_undamaged`.

    Args:
        path: The file.
        kind: `dict` or `list`.

    Raises:
        UserError: The content has another type, the file is damaged, or it cannot be read.
    """
    try:
        content = json.loads(read_verified(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} must be valid JSON, got {error}: restore the file") from error
    if not isinstance(content, kind):
        expected = "object" if kind is dict else "list"
        raise UserError(f"{path} must contain a JSON {expected}, got {str(content)[:40]!r}: restore the file")
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a yaml file of plain values.

    Raises:
        UserError: The content is not a mapping of plain values, or the file cannot be read.
    """
    content = parse_yaml(read_verified(path), path)
    if not isinstance(content, dict):
        raise UserError(f"{path} must contain a yaml mapping, got {str(content)[:40]!r}: correct the file")
    return content


def _read_checksums(folder: Path) -> dict[str, list[str]]:
    path = folder / CHECKSUMS
    check_no_link(path)
    if not path.is_file():
        return {}
    try:
        known = json.loads(read_bounded(path))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} must be valid JSON, got {error}: remove it to skip the checks") from error
    if not isinstance(known, dict) or not all(isinstance(each, list) for each in known.values()):
        raise UserError(
            f"{path} must map names to lists of checksums, got {str(known)[:40]!r}: remove it to skip the checks"
        )
    return known


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
