"""Load an exported folder: data only, nothing that a file names is imported or run."""

import hashlib
import json
from pathlib import Path

from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export import dense, masks, packed
from lit_prune.export.classifier import Classifier
from lit_prune.export.files import load_tensors

FILES = "lit_prune.files"  # in a tensor file's header: the SHA-256 of each file that is read beside it
_NAME_CODE = {"auto_map", "attn_implementation", "_attn_implementation", "quantization_config"}  # settings


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that is in a folder itself, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()
    }


def load(folder: str | Path, base: str | Path | None = None) -> Classifier:
    """Load a model that `lit_prune export` wrote.

    Args:
        folder: The folder, of any format.
        base: For masks alone: the run or the checkpoint that holds the model they are for.

    Returns:
        The model in float32 and evaluation mode, on the CPU. `model(**inputs)` takes what its tokenizer
        (`model.encoder.tokenizer`) returns; the result has `logits` (batch, classes).

    Raises:
        UserError: the folder is none of an export, or a file in it is missing, damaged or changed.
    """
    folder = Path(folder)
    names = [name for name in (packed.FILE, masks.FILE, dense.FILE, dense.HEAD_FILE) if (folder / name).is_file()]
    if not names or names == [dense.HEAD_FILE]:
        raise UserError(
            f"{folder} holds none of {dense.FILE}, {packed.FILE}, {masks.FILE}: give the --out of lit_prune export"
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
        if names == [packed.FILE]:
            state = packed.unpack_state(tensors[packed.FILE], metadata)
        elif names == [masks.FILE]:
            state = masks.masked_base(tensors[masks.FILE], metadata, base)
        else:
            state = dense.join(tensors, settings["model_type"])
        encoder = PrunableEncoder(str(folder), pretrained=False)
        model = Classifier(encoder, encoder.backbone.config.num_labels)
        model.load_state_dict(state)
    except UserError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{folder} is no model that lit_prune export wrote: {error}") from error
    return model.eval().requires_grad_(False)
