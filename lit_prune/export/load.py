"""Load an exported folder or a model on the Hugging Face hub: data only, nothing that a file names is run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from lit_prune.data.closed import load_plugins
from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.kinds import describe, rebuild
from lit_prune.errors import UserError
from lit_prune.export.hub import copy_export, local_folder, push_to_hub
from lit_prune.export.model import TaskModel, empty_encoder
from lit_prune.export.read import check_together, read_export, reading
from lit_prune.export.trained import Trained
from lit_prune.files import new_path, write_folder, writing


class LoadedModel(TaskModel):
    """A model that `load` returned.

    Attributes:
        folders: The folders with its files, of a model on the hub in the cache.
        options: The other arguments of `load`.
    """

    folders: Sequence[Path] = ()
    options: dict[str, Any] = {}

    def save_pretrained(self, save_directory: str | Path) -> None:
        """Write the files that the model was loaded from to another folder, which `load` reads with the same `base`.

        Args:
            save_directory: The folder: a new one, or an empty one.

        Raises:
            UserError: the model has changed since it was loaded, is of several folders, or the folder has files.
        """
        origin = self._unchanged()
        folder = new_path(str(save_directory), folder=True)
        with writing(folder):
            write_folder(folder, partial(copy_export, origin, plugins=self.options["plugins"]))

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Upload the files that the model was loaded from; see `lit_prune.push_to_hub`.

        Args:
            repo_id: The model on the hub, `owner/name`.
            options: Further arguments of `lit_prune.push_to_hub`.

        Raises:
            UserError: as of `save_pretrained` and `lit_prune.push_to_hub`.
        """
        return push_to_hub(self._unchanged(), repo_id, plugins=self.options["plugins"], **options)

    def _unchanged(self) -> Path:
        """Return the folder of the model; a UserError if it is not one, or does not hold the model as it is now."""
        if len(self.folders) > 1:
            raise UserError(f"folder must be one, got {len(self.folders)} in one model: load and save each by itself")
        files = load(self.folders, **self.options).use(self.task).state_dict()
        state = self.state_dict()
        if state.keys() != files.keys() or not all(torch.equal(state[name].cpu(), files[name]) for name in files):
            raise UserError(
                f"model must be as it was loaded from {self.folders[0]}, got other weights: save it by torch, or "
                "export the run that trained it"
            )
        return self.folders[0]


def load(
    folder: str | Path | Sequence[str | Path],
    base: str | Path | None = None,
    task: str | None = None,
    plugins: Sequence[str] = (),
    revision: str | None = None,
) -> LoadedModel:
    """Load a model that `lit_prune export` wrote.

    Args:
        folder: The folder, of any format, or its name on the Hugging Face hub, `owner/name`; or several of deltas over
            one base, of different tasks. Without a network, models are read from the hub's cache.
        base: For masks: the run or the checkpoint of the model they are for. For deltas, the model they are over: a
            backbone, a run, a checkpoint or another export; a backbone or an export may be on the hub. If None, the
            backbone that they were made from, of the hub at the revision that the run had.
        task: The task to use of several. If None, the first; `model.use(TASK)` switches to another.
        plugins: Modules of yours that define the export's format or kinds of tasks.
        revision: Branch, tag or commit of a model on the hub. If None, its main branch.

    Returns:
        The model in float32 and evaluation mode, on the CPU. `model(**inputs)` takes the output of its tokenizer
        (`model.encoder.tokenizer`) and returns an object with `logits`; for classes they are (batch, classes).

    Raises:
        UserError: the folder is no export, a file in it is missing, damaged or changed, it has no such task, the
            folders do not go together, or a model on the hub cannot be downloaded.
    """
    classes = load_plugins(plugins)
    given = [folder] if isinstance(folder, str | Path) else folder
    if revision is not None and len(given) > 1:
        raise UserError(f"revision must be left out for several folders, got {revision!r}: download them before")
    folders = [local_folder(each, revision, classes) for each in given]
    with reading(folders):
        exports = [read_export(each, classes) for each in folders]
        first = exports[0]
        tasks = [rebuild(each, NoRows(), classes) for export in exports for each in export.tasks]
        if len(exports) > 1:
            check_together(exports, [each.name for each in tasks])
        model = LoadedModel(empty_encoder({"backbone": str(folders[0])}, first.num_bytes), tasks)
        first.format.load(model, exports, None if base is None else str(base))
        model = model.eval().requires_grad_(False).use(model.task)
    model.folders, model.options = folders, {"base": base, "plugins": tuple(plugins)}
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
