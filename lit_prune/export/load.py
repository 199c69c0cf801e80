"""Load an exported folder: data only, nothing that a file names is imported or run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lit_prune.data.closed import load_plugins
from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.kinds import describe, rebuild
from lit_prune.encoders.untrusted import NAME_CODE
from lit_prune.errors import UserError
from lit_prune.export.formats.format import Export
from lit_prune.export.formats.known import format_of
from lit_prune.export.model import TaskModel, empty_encoder
from lit_prune.export.tensor_files import FILES, TASKS, checksums, load_tensors
from lit_prune.export.trained import Trained

# Errors that content without a checksum can raise.
_DAMAGED = (OSError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)


def load(
    folder: str | Path | Sequence[str | Path],
    base: str | Path | None = None,
    task: str | None = None,
    plugins: Sequence[str] = (),
) -> TaskModel:
    """Load a model that `lit_prune export` wrote.

    Args:
        folder: The folder, of any format; or several of deltas over one base, of different tasks.
        base: For masks: the run or the checkpoint of the model they are for. For deltas, the model they are over: a
            backbone, a run, a checkpoint or another export. If None, the backbone that they were made from.
        task: The task to use of several. If None, the first; `model.use(TASK)` switches to another.
        plugins: Modules of yours that define the export's format or kinds of tasks.

    Returns:
        The model in float32 and evaluation mode, on the CPU. `model(**inputs)` takes the output of its tokenizer
        (`model.encoder.tokenizer`) and returns an object with `logits`; for classes they are (batch, classes).

    Raises:
        UserError: the folder is no export, a file in it is missing, damaged or changed, it has no such task, or the
            folders do not go together.
    """
    classes = load_plugins(plugins)
    folders = [Path(each) for each in ([folder] if isinstance(folder, str | Path) else folder)]
    try:
        exports = [_read(each, classes) for each in folders]
        first = exports[0]
        tasks = [rebuild(each, NoRows(), classes) for export in exports for each in export.tasks]
        if len(exports) > 1:
            _check_together(exports, [each.name for each in tasks])
        model = TaskModel(empty_encoder({"backbone": str(folders[0])}, first.num_bytes), tasks)
        first.format.load(model, exports, None if base is None else str(base))
        model = model.eval().requires_grad_(False).use(model.task)
    except UserError:
        raise
    except _DAMAGED as error:
        where = ", ".join(map(str, folders))
        raise UserError(
            f"{where} must be written by lit_prune export, got {type(error).__name__} ({error!s:.300}): export it again"
        ) from error
    return model if task is None else model.use(task)


def with_export(trained: Trained, folder: str | Path, plugins: Sequence[str] = ()) -> Trained:
    """Return a run's result with the model of an export of the run in place of its own.

    Args:
        trained: The run's result, of one task.
        folder: The export.
        plugins: See `load`.

    Raises:
        UserError: see `load`; or the export has another task.
    """
    model, task = load(folder, trained.run, plugins=plugins), trained.task
    if task not in model.tasks or describe(model.tasks[task]) != describe(trained.model.tasks[task]):
        raise UserError(
            f"--export must be of {trained.run} and have its task {task!r}, got {folder}: write one by lit_prune export"
        )
    return replace(trained, model=model.use(task))


def _read(folder: Path, plugins: Mapping[str, type]) -> Export:
    """Read a folder's files, verified by their checksums; errors of their content are not converted."""
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


def _check_together(exports: Sequence[Export], tasks: Sequence[str]) -> None:
    """Check that several folders are of one format that can be combined, and of different tasks."""
    first = exports[0].format
    for export in exports:
        if type(export.format) is not type(first):
            export.format.check_together([export])
    first.check_together(exports)
    if twice := sorted({name for name in tasks if tasks.count(name) > 1}):
        raise UserError(f"folders must have different tasks, got {twice[0]!r} twice: give one of each")
