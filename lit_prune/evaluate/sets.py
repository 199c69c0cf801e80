"""Sets of a run's task from files: columns, classes, text preprocessing and lengths are those of training."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from rich.console import Console

from lit_prune.data.closed import build
from lit_prune.data.configured import configured_tasks, setting
from lit_prune.data.preparation import Preparation, prepare_set
from lit_prune.data.sources.amplified import BiasAmplified
from lit_prune.data.sources.conll import ConllFiles
from lit_prune.data.sources.fields import Fields, Texts, first_of
from lit_prune.data.sources.files import LocalFiles, TableFiles
from lit_prune.data.sources.given import Given, GivenLayout, check_readable, columns_of
from lit_prune.data.sources.hub import Hub
from lit_prune.data.sources.known import BIASES, SOURCES
from lit_prune.data.sources.one_text import OneText
from lit_prune.data.sources.source import Layout, Row, Source
from lit_prune.data.sources.spans import SpanFiles
from lit_prune.data.sources.squad import SquadHub
from lit_prune.data.sources.unlabelled import WithUnlabelled
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.errors import UserError
from lit_prune.export.trained import Trained

_Kind = TypeVar("_Kind", bound=Texts)


def labelled_sets(
    trained: Trained,
    files: Mapping[str, Path],
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[EvaluationSet]:
    """Read and tokenise files as sets to evaluate on: tables, or files in the layout of the task's kind.

    Args:
        trained: The run's result; its task reads the files.
        files: Name of a set -> its file. A set whose name begins with `ood` has the task's merged classes.
        columns: Our field -> the files' column. If None, as the run's own task reads its set of the same name, else its
            `id` set, else `train`, if it is read from files; otherwise the columns that have our fields' names.
        labels: The files' label -> the name of the class. If None, likewise, otherwise the task's own names.

    Raises:
        UserError: a file with other content than expected, with its line.
    """
    task = trained.model.tasks[trained.task]
    if layout := task.layout(labelled=True):
        if columns or labels:
            raise UserError(
                f"--columns and --labels must be left out, got them for {task.name!r}: its files have {layout.owner} "
                "layout"
            )
        return _prepared(trained, GivenLayout(files, _reader(trained, layout)), files, labelled=True)
    classes = sorted({*task.labels, *task.merge.values()})
    given = {}
    for name, path in files.items():
        check_readable(path)
        own = _read_as(trained, name)
        known = labels or own.get("labels") or {each: each for each in classes} or None
        named = columns or own.get("columns") or columns_of(path)
        drop = own.get("drop_incomplete")
        if task.needs_labels or "label" in named:
            separator = own.get("separator") or task.separator
            read_as: Texts = _kind(Fields, path, columns, own, drop_incomplete=drop, labels=known, separator=separator)
        else:
            read_as = _kind(Texts, path, columns, own, drop_incomplete=drop)
        given[name] = path, read_as
    return _prepared(trained, Given(given), files, labelled=True)


def unlabelled_set(trained: Trained, path: Path, columns: Mapping[str, str] | None = None) -> EvaluationSet:
    """Read and tokenise a file as a set to predict; its labels are unknown, its classes the task's.

    See `labelled_sets`. For questions that spans answer, `text_a` is the question and `text_b` the text.

    Raises:
        UserError: the file has other content than expected, with its line.
    """
    source: Source
    if layout := trained.model.tasks[trained.task].layout(labelled=False):
        if columns:
            raise UserError(
                f"--columns must be left out, got {columns} for {trained.task!r}: its files have {layout.owner} layout"
            )
        source = GivenLayout({"predict": path}, layout.read)
    else:
        source = Given({"predict": (path, _kind(Texts, path, columns, _read_as(trained, "id")))})
    (prepared,) = _prepared(trained, source, {"predict": path}, labelled=False)
    return prepared


def own_set(trained: Trained, split: str, root: str | None = None) -> EvaluationSet:
    """Read and tokenise a split of the run's own source; `train` has all rows, also those not trained on.

    Args:
        trained: The run's result.
        split: The split.
        root: The folder of the files, for a source that reads files.

    Raises:
        UserError: see `own_source`; or it has no such split, or its files are missing.
    """
    source = own_source(trained, root)
    how = _preparation(trained, root)
    known = [each for each in source.available(how.root) if each != "ood_train"]
    if split not in known:
        raise UserError(f"unknown --split {split!r}: choose from {', '.join(known)}")
    return prepare_set(trained.model.tasks[trained.task].with_source(source), split, how)


def own_source(trained: Trained, root: str | None = None) -> Source:
    """Return the source of the run's own rows. It reads no file that the user has not named by its folder.

    Args:
        trained: The run's result.
        root: The folder of the files, for a source that reads files; never the one that the run's configuration names.

    Raises:
        UserError: it is no class of the package or of a plugin, reads files and there is no root, or leaves the root.
    """
    source = _source(trained)
    if isinstance(source, WithUnlabelled):
        source = source.source  # the other rows are of training alone
    read = source
    while isinstance(read, BiasAmplified | OneText | WithUnlabelled):
        read = read.source
    if isinstance(read, LocalFiles):
        if root is None:
            named = setting(trained.config, "data.root", str | None)
            raise UserError(f"--root must be the folder of the run's files (it was {named}): pass it")
        for path in (Path(each) for paths in read.paths.values() for each in paths):
            if path.is_absolute() or ".." in path.parts:
                raise UserError(f"paths of the run's files must be below --root, got {path}: put the files there")
    if isinstance(read, Hub | SquadHub):
        for path in (Path(each.path) for each in read.splits.values()):
            if path.exists():
                raise UserError(f"path of the run's data must be a name on the hub, got the local {path}: pass --file")
    return source


def _source(trained: Trained) -> Source:
    settings = _settings(trained).get("source")
    classes = {**SOURCES, **BIASES, **trained.plugins}
    return build(settings, Source, classes, f"the source of task {trained.task!r}")  # type: ignore[type-abstract]


def _reader(trained: Trained, layout: Layout) -> Callable[[Path], Iterator[Row]]:
    """Return the function that reads a layout: files with a word a line have the columns of the run's own."""
    path = (_settings(trained).get("source") or {}).get("class_path")
    if not isinstance(path, str) or SOURCES.get(path) is not ConllFiles:
        return layout.read
    return partial(_read_columns, cast(ConllFiles, _source(trained)), layout)


def _read_columns(own: ConllFiles, layout: Layout, path: Path) -> Iterator[Row]:
    return layout.read(path) if path.suffix == SpanFiles.suffix else own.read(path)


def _preparation(trained: Trained, root: str | None = None) -> Preparation:
    return Preparation(
        tokenizer=trained.model.encoder.tokenizer,
        root=root,
        max_length=setting(trained.config, "data.max_length", int),
        validation_fraction=0,
        seed=0,
    )


def _prepared(trained: Trained, source: Source, files: Mapping[str, Path], labelled: bool) -> list[EvaluationSet]:
    task = trained.model.tasks[trained.task].with_source(source)
    how = _preparation(trained)
    prepared = []
    for name, path in files.items():
        with Console(stderr=True).status(f"reading {path}"):
            prepared.append(prepare_set(task, name, how, labelled))
    return prepared


def _settings(trained: Trained) -> dict[str, Any]:
    """Return the settings of the task in the run's configuration."""
    return configured_tasks(trained.config)[trained.task]


def _read_as(trained: Trained, name: str) -> dict[str, Any]:
    """Return the settings of the run's own set of this name, else another; empty if it reads no tables."""
    settings = _settings(trained).get("source")
    path = settings.get("class_path") if isinstance(settings, Mapping) else None
    if path == "lit_prune.data.sources.Frames":
        return {"columns": setting(_settings(trained), "source.init_args.columns", dict[str, str] | None)}
    if not isinstance(path, str) or not issubclass(SOURCES.get(path, Source), TableFiles):
        return {}
    splits = cast(TableFiles, _source(trained)).splits
    return next((vars(splits[each]) for each in (name, "id", "train") if each in splits), {})


def _kind(
    kind: type[_Kind], path: Path, columns: Mapping[str, str] | None, own: Mapping[str, Any], **options: Any
) -> _Kind:
    """Return the reader of a file, with the given columns, else the run's own, else those with our fields' names."""
    if columns is None:
        found = columns_of(path)
        fields = kind.required + kind.optional
        named = own.get("columns") or {field: field for field in fields if field in found or field in kind.required}
        if named.get("text_a") == "text_a" and "text_a" not in found and "text" in found:
            named |= {"text_a": "text"}  # as in files of texts with spans
        # The group and the id are no input of the model: a file need not have them.
        columns = {
            field: column
            for field, column in ({"id": "id"} | named).items()
            if field in fields and (first_of(column, found) or field not in ("id", "group"))
        }
    shared = {name: own[name] for name in ("strip", "bytes_literals") if name in own}
    return kind(columns=dict(columns), **shared, **options)
