"""Rows from local files, the official distributions' or a user's own, below one folder."""

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from lit_prune.data.sources.fields import Fields, Texts, check_names, read_rows
from lit_prune.data.sources.readers import READERS, WITH_HEADER
from lit_prune.data.sources.source import Row, Source
from lit_prune.errors import UserError


@dataclass(kw_only=True)
class TextSplit(Texts):
    """One split in one file, without labels.

    Args:
        paths: Paths of the file, relative to the root; the first that exists is read. `.csv` has a header, then
            comma-separated fields, quoted where needed; `.jsonl` an object per line; `.tsv` and `.txt` a header, then
            tab-separated fields without quoting; `.parquet` a table.
        header: Names of the columns of a .csv, .tsv or .txt without a header (such as CoLA's). None if the first line
            is the header.
    """

    paths: list[str]
    header: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        unreadable = [path for path in self.paths if Path(path).suffix not in READERS]
        if unreadable or not self.paths:
            raise UserError(
                f"paths must be one or more files of the kinds {', '.join(READERS)}, got {self.paths}: correct"
            )
        if self.header and not all(Path(path).suffix in WITH_HEADER for path in self.paths):
            raise UserError(
                f"`header` must be left out, got one for {self.paths}: only {', '.join(WITH_HEADER)} have one"
            )


@dataclass(kw_only=True)
class FileSplit(Fields, TextSplit):
    """One split kept in one file.

    Args:
        paths: Paths of the file, relative to the root; the first that exists is read. `.csv` has a header, then
            comma-separated fields, quoted where needed; `.jsonl` an object per line; `.tsv` and `.txt` a header, then
            tab-separated fields without quoting; `.parquet` a table.
        header: Names of the columns of a .csv, .tsv or .txt without a header (such as CoLA's). None if the first line
            is the header.
    """


class LocalFiles(Source):
    """Files below `--data.root`.

    Args:
        paths: Split -> where its file may be, relative to the root; the first that exists is read.
    """

    def __init__(self, paths: Mapping[str, Sequence[str]]) -> None:
        self.paths = paths

    def available(self, root: str | None) -> list[str]:
        """Return the splits whose file exists; warn of the others."""
        return found_splits(self.paths, root)


class TableFiles(LocalFiles):
    """Files with tables below `--data.root`.

    Args:
        splits: Split -> its file.
    """

    def __init__(self, splits: Mapping[str, TextSplit]) -> None:
        check_names(splits)
        super().__init__({split: spec.paths for split, spec in splits.items()})
        self.splits = splits

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the file's path, size and time of change, and how it is read."""
        spec = self.splits[split]
        return file_fingerprint(find_file(spec.paths, root), spec)

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`; errors name file and line (in parquet: and row)."""
        spec = self.splits[split]
        yield from file_rows(find_file(spec.paths, root), spec, spec.header)


class Files(TableFiles):
    """A user's own files, or the official distributions', below `--data.root`. No network is needed.

    What is trained on and `id` must be there if named; another evaluation set that is not is left out with a warning.

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> its file.
    """

    def __init__(self, splits: dict[str, FileSplit]) -> None:
        super().__init__(splits)


class LayoutFiles(LocalFiles):
    """Files in a layout of their own, which a subclass reads, below `--data.root`. No network is needed.

    What is trained on and `id` must be there if named; another evaluation set that is not is left out with a warning.

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> paths of
            its file, relative to the root; the first that exists is read.
    """

    suffix: ClassVar[str] = ""  # of every file, where the layout is read by it

    def __init__(self, splits: dict[str, list[str]]) -> None:
        check_names(splits)
        wrong = [name for name, paths in splits.items() if not paths or any(not p.endswith(self.suffix) for p in paths)]
        if wrong:
            kind = f", all {self.suffix}" if self.suffix else ""
            raise UserError(
                f"splits must have one or more files each{kind}, got none for {', '.join(wrong)}: name them"
            )
        super().__init__(splits)
        self.splits = splits

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the file's path, size and time of change."""
        return file_state(find_file(self.splits[split], root))


def file_rows(path: Path, read_as: Texts, header: Sequence[str] | None = None) -> Iterator[Row]:
    """Yield the rows of a file, which has a header if none is given; errors name file and line (in parquet: row)."""
    return read_rows(READERS[path.suffix](path, header), read_as, lambda number: f"{path}:{number}", str(path))


def file_fingerprint(path: Path, read_as: Texts) -> dict[str, Any]:
    """Return values that change whenever the rows of a file would: its state, and how it is read."""
    return {**file_state(path), "read_as": dataclasses.asdict(read_as)}


def file_state(path: Path) -> dict[str, Any]:
    """Return values that change whenever a file does: its path, size and time of change."""
    status = path.stat()
    return {"path": str(path.resolve()), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def found_splits(paths: Mapping[str, Sequence[str]], root: str | None) -> list[str]:
    """Return the splits of which a file exists; warn of the others.

    Args:
        paths: Split -> where its file may be, relative to the root.
        root: The folder, `--data.root`.

    Raises:
        UserError: There is no such folder, or no file of a split that is trained on, or of `id`.
    """
    present = []
    for split, names in paths.items():
        try:
            find_file(names, root)
        except UserError as error:
            if split in ("train", "id", "ood_train"):
                raise
            warnings.warn(f"no {split} set: {error}", stacklevel=3)
        else:
            present.append(split)
    return present


def find_file(paths: Sequence[str], root: str | None) -> Path:
    """Return the first of the paths, relative to the root, that is a file.

    Raises:
        UserError: There is none, or no such folder.
    """
    if root is None:
        raise UserError("--data.root must be the folder of the data's files, got none: pass --data.root FOLDER")
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise UserError(f"--data.root must be a folder, got {folder}: pass the one with the data's files")
    for path in (folder / name for name in paths):
        if path.is_file():
            return path
    raise UserError(
        f"{folder} must contain {' or '.join(paths)}, got none: put the file there, or pass its folder as the root "
        "(`--data.root` of fit)"
    )
