"""Files as sets of a run's task: the same columns, classes, text preprocessing and lengths as in training."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from rich.console import Console

from lit_prune.data.closed import SOURCES, build
from lit_prune.data.configured import configured_tasks, setting
from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.data.kinds import rebuild
from lit_prune.data.mentions import MentionTask
from lit_prune.data.preparation import Preparation, prepare_set
from lit_prune.data.sources.fields import Fields, Texts, first_of
from lit_prune.data.sources.files import Files, LocalFiles
from lit_prune.data.sources.given import Given, GivenLayout, check_readable, columns_of
from lit_prune.data.sources.hub import Hub
from lit_prune.data.sources.source import Row, Source
from lit_prune.data.sources.squad import SquadHub, read_squad
from lit_prune.data.sources.wsc import read_wsc
from lit_prune.data.spans import SpanTask
from lit_prune.data.task import Task
from lit_prune.errors import UserError
from lit_prune.export.trained import Trained

_Kind = TypeVar("_Kind", bound=Texts)

# The kinds of tasks whose files are no tables -> what reads these, and whose layout it is.
_LAYOUTS: dict[type[Task], tuple[Callable[[Path], Iterator[Row]], str]] = {
    SpanTask: (read_squad, "SQuAD's"),
    MentionTask: (read_wsc, "WSC's"),
}


def labelled_sets(
    trained: Trained,
    files: Mapping[str, Path],
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> list[EvaluationSet]:
    """Sets to evaluate on, tokenised.

    Of questions that spans answer the files are in SQuAD's layout, of mentions in WSC's; all others are tables.

    Args:
        trained: The run's result; its task reads the files.
        files: Name of a set -> its file. A set whose name begins with `ood` has the task's merged classes.
        columns: Our field -> the files' column; None: as the run's own task reads its set of the same name, else its
            `id` set, else `train`, where it is read from files; otherwise the columns that have our fields' names.
        labels: The files' label -> the name of the class; None: likewise, otherwise the task's own names.

    Raises:
        UserError: a file that does not hold what it should, with its line.
    """
    task = trained.model.tasks[trained.task]
    for kind, (read, layout) in _LAYOUTS.items():
        if isinstance(task, kind):
            if columns or labels:
                raise UserError(f"--columns and --labels have no effect on {task.name}, with {layout} files: leave out")
            return _prepared(trained, GivenLayout(files, read), files, labelled=True)
    classes = sorted({*task.labels, *task.merge.values()})
    given = {}
    for name, path in files.items():
        check_readable(path)
        own = _read_as(trained, name)
        known = labels or own.get("labels") or {each: each for each in classes} or None
        read_as = _kind(Fields, path, columns, own, labels=known, drop_incomplete=own.get("drop_incomplete"))
        given[name] = path, read_as
    return _prepared(trained, Given(given), files, labelled=True)


def unlabelled_set(trained: Trained, path: Path, columns: Mapping[str, str] | None = None) -> EvaluationSet:
    """A set to predict, tokenised, from a table; its labels are -1, its classes the task's. See `labelled_sets`.

    Of questions that spans answer `text_a` is the question and `text_b` the text. Of mentions the file is in WSC's
    layout.

    Raises:
        UserError: the file does not hold what it should, with its line.
    """
    source: Source
    if isinstance(trained.model.tasks[trained.task], MentionTask):
        if columns:
            raise UserError(f"--columns has no effect on {trained.task}, with WSC's files: leave it out")
        source = GivenLayout({"predict": path}, partial(read_wsc, labelled=False))
    else:
        source = Given({"predict": (path, _kind(Texts, path, columns, _read_as(trained, "id")))})
    (prepared,) = _prepared(trained, source, {"predict": path}, labelled=False)
    return prepared


def own_set(trained: Trained, split: str, root: str | None = None) -> EvaluationSet:
    """A split of the run's own source, tokenised: of `train` every row, whether the run trained on it or not.

    Args:
        trained: The run's result.
        split: The split.
        root: The folder of the files, for a source that reads files.

    Raises:
        UserError: see `own_source`; or it has no such split, or its files are gone.
    """
    source = own_source(trained, root)
    how = _preparation(trained, root)
    known = [each for each in source.available(how.root) if each != "ood_train"]
    if split not in known:
        raise UserError(f"--split {split!r} is none of the run's: it has {', '.join(known)}")
    return prepare_set(rebuild(_settings(trained), source, trained.plugins), split, how)


def own_source(trained: Trained, root: str | None = None) -> Source:
    """Return the source of the run's own rows. It reads no file that the user has not named by its folder.

    Args:
        trained: The run's result.
        root: The folder of the files, for a source that reads files; never the one that the run's configuration names.

    Raises:
        UserError: it is no class of the package or of a plugin, reads files and there is no root, or leaves the root.
    """
    source = _source(trained)
    if isinstance(source, LocalFiles):
        if root is None:
            named = setting(trained.config, "data.root", str | None)
            raise UserError(f"--root must be the folder of the run's files (it was {named}): pass it")
        for path in (Path(each) for paths in source.paths.values() for each in paths):
            if path.is_absolute() or ".." in path.parts:
                raise UserError(f"paths of the run's files must be below --root, got {path}: put the files there")
    if isinstance(source, Hub | SquadHub):
        for path in (Path(each.path) for each in source.splits.values()):
            if path.exists():
                raise UserError(f"path of the run's data must be a name on the hub, got the local {path}: pass --file")
    return source


def _source(trained: Trained) -> Source:
    settings = _settings(trained).get("source")
    classes = {**SOURCES, **trained.plugins}
    return build(settings, Source, classes, f"the source of task {trained.task!r}")  # type: ignore[type-abstract]


def _preparation(trained: Trained, root: str | None = None) -> Preparation:
    return Preparation(
        tokenizer=trained.model.encoder.tokenizer,
        root=root,
        max_length=setting(trained.config, "data.max_length", int),
        validation_fraction=0,
        seed=0,
    )


def _prepared(trained: Trained, source: Source, files: Mapping[str, Path], labelled: bool) -> list[EvaluationSet]:
    # Whatever class it was in the run, nothing that a file names is imported.
    task = rebuild(_settings(trained), source, trained.plugins)
    how = _preparation(trained)
    prepared = []
    for name, path in files.items():
        with Console(stderr=True).status(f"reading {path}"):
            prepared.append(prepare_set(task, name, how, labelled))
    return prepared


def _settings(trained: Trained) -> dict[str, Any]:
    """What the run's configuration says of the task."""
    return configured_tasks(trained.config)[trained.task]


def _read_as(trained: Trained, name: str) -> dict[str, Any]:
    """How the run reads its own set of this name, else another; empty where it reads no files."""
    settings = _settings(trained).get("source")
    path = settings.get("class_path") if isinstance(settings, Mapping) else None
    if not isinstance(path, str) or SOURCES.get(path) is not Files:
        return {}
    splits = cast(Files, _source(trained)).splits
    return next((vars(splits[each]) for each in (name, "id", "train") if each in splits), {})


def _kind(
    kind: type[_Kind], path: Path, columns: Mapping[str, str] | None, own: Mapping[str, Any], **options: Any
) -> _Kind:
    """How a file is read: by the columns given, else the run's own, else those that are named as our fields."""
    if columns is None:
        found = columns_of(path)
        fields = kind.required + kind.optional
        named = own.get("columns") or {field: field for field in fields if field in found or field in kind.required}
        # The group and the id are no input of the model: a file need not have them.
        columns = {
            field: column
            for field, column in ({"id": "id"} | named).items()
            if field in fields and (first_of(column, found) or field not in ("id", "group"))
        }
    shared = {name: own[name] for name in ("strip", "bytes_literals") if name in own}
    return kind(columns=dict(columns), **shared, **options)
