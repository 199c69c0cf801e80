"""Load an exported folder: data only, nothing that a file names is imported or run."""

import hashlib
import json
from pathlib import Path

from lit_prune.data.kinds import rebuild
from lit_prune.data.sources.given import Given
from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export import delta, dense, masks, packed
from lit_prune.export.files import load_tensors
from lit_prune.export.model import TaskModel
from lit_prune.sparsity.install import install_saved

TASKS = "lit_prune.tasks"  # in a tensor file's header: what its tasks are
FILES = "lit_prune.files"  # in a tensor file's header: the SHA-256 of each file that is read beside it
_NAME_CODE = {"auto_map", "attn_implementation", "_attn_implementation", "quantization_config"}  # settings


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that is in a folder itself, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()
    }


def load(folder: str | Path, base: str | Path | None = None, task: str | None = None) -> TaskModel:
    """Load a model that `lit_prune export` wrote.

    Args:
        folder: The folder, of any format.
        base: For masks alone: the run or the checkpoint that holds the model they are for. For a delta a run, a
            checkpoint or a backbone, None: the backbone that it was made from.
        task: The task to use of several, None: the first; `model.use(TASK)` switches to another.

    Returns:
        The model in float32 and evaluation mode, on the CPU. `model(**inputs)` takes what its tokenizer
        (`model.encoder.tokenizer`) returns; the result has `logits`, of classes (batch, classes).

    Raises:
        UserError: the folder is none of an export, or a file in it is missing, damaged or changed, or it has no such
            task.
    """
    folder = Path(folder)
    names = [
        name for name in (packed.FILE, masks.FILE, delta.FILE, dense.FILE, dense.HEAD_FILE) if (folder / name).is_file()
    ]
    if not names or names == [dense.HEAD_FILE]:
        raise UserError(
            f"{folder} holds none of {dense.FILE}, {packed.FILE}, {masks.FILE}, {delta.FILE}: give the --out of "
            "lit_prune export"
        )
    # Checksums first: nothing damaged gets as far as a parser.
    files = {name: load_tensors(folder / name) for name in names}
    tensors = {name: each for name, (each, _) in files.items()}
    metadata = files[names[0]][1]
    try:
        found = checksums(folder)
        for name, expected in json.loads(metadata[FILES]).items():
            if found.get(name) != expected:
                raise UserError(f"{folder / name} is missing, damaged or changed: export the run again")
        settings = json.loads((folder / "config.json").read_text())
        if named := sorted(_NAME_CODE & settings.keys()):
            raise UserError(f"{folder}/config.json has {named}, which name code to run: lit_prune export writes none")
        tasks = json.loads(metadata[TASKS])
        model = TaskModel(PrunableEncoder(str(folder), pretrained=False), [rebuild(each, Given({})) for each in tasks])
        if names == [packed.FILE]:
            state = packed.unpack_state(tensors[packed.FILE], metadata)
        elif names == [masks.FILE]:
            state = masks.masked_base(tensors[masks.FILE], metadata, base, model.tasks)
        elif names == [delta.FILE]:
            state = delta.over_base(tensors[delta.FILE], metadata, base)
        else:
            (only,) = tasks
            state = dense.join(tensors, only["name"], dense.counterpart(settings["model_type"], only["kind"]))
        install_saved(model, state)
        model.load_state_dict(state)
    except UserError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{folder} is no model that lit_prune export wrote: {error}") from error
    return model.eval().requires_grad_(False).use(model.task if task is None else task)
