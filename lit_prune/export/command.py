"""`lit_prune export`: a finished run's selected model as a folder that others can load."""

import json
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path

import torch
from jsonargparse import auto_cli
from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.export import dense, masks, packed
from lit_prune.export.card import model_card
from lit_prune.export.classifier import Trained, read_run
from lit_prune.export.files import save_tensors
from lit_prune.export.load import FILES, checksums
from lit_prune.files import new_path, write_folder, writing
from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.install import dense_state_dict, masks_by_task

FORMATS = ("dense", "packed", "masks")
_DTYPES = {"float32": torch.float32, "float16": torch.float16}


def run(arguments: Sequence[str]) -> None:
    """Export as the arguments of `lit_prune export` say."""
    auto_cli(export, args=list(arguments), prog="lit_prune export", exit_on_error=False)


def export(run: str, *, format: str, out: str, dtype: str = "float32", task: str | None = None) -> None:
    """Write a finished run's selected model, masks folded in, with its tokenizer and a model card.

    Args:
        run: Folder of a finished run, logs/<experiment>/version_<n>.
        format: `dense` (plain transformers loads it), `packed` (small: only kept weights; lit_prune.load reads it) or
            `masks` (no weights: what is kept of the run's dense model, which lit_prune.load then needs as its base).
        out: The folder to write: a new one, or an empty one.
        dtype: Data type of the weights, float32 or float16.
        task: The task whose head to export; needed where the run has several.

    Raises:
        UserError: an argument is none of these, the run is not finished, or `out` is not empty.
    """
    if format not in FORMATS:
        raise UserError(f"--format is {format!r}, needed is one of {', '.join(FORMATS)}")
    if dtype not in _DTYPES:
        raise UserError(f"--dtype is {dtype!r}, needed is one of {', '.join(_DTYPES)}")
    if format == "masks" and dtype != "float32":
        raise UserError(f"--format masks writes no weights: leave --dtype {dtype} out")
    folder = new_path(out, folder=True)
    trained = read_run(Path(run), task)
    if format == "masks" and not trained.is_masked_base:
        raise UserError(f"--format masks: {run} trained more than masks over a model of its own, use packed")
    if format == "packed" and budget(trained.model).num_ranks:
        raise UserError(f"--format packed: the matrices of {run} are pruned by rank, which it does not know: use dense")
    with writing(folder):
        write_folder(folder, partial(_write, trained, format, dtype))
    print(out)


def _write(trained: Trained, form: str, dtype: str, folder: Path) -> None:
    encoder = trained.model.encoder
    config = deepcopy(encoder.backbone.config)
    config.id2label = dict(enumerate(trained.labels))
    config.label2id = {label: number for number, label in enumerate(trained.labels)}
    config.problem_type = "single_label_classification"
    config.dtype = _DTYPES[dtype]
    plain = form == "dense" and encoder.model_type in dense.COUNTERPARTS
    config.architectures = [dense.COUNTERPARTS[encoder.model_type][0] if plain else type(encoder.backbone).__name__]
    config.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    keeps = masks_by_task(trained.model).get("", {})
    metadata = {"format": "pt", FILES: json.dumps(checksums(folder))}  # transformers asks for `format`
    if form == "masks":
        weights = {name: value for name, value in trained.model.state_dict().items() if ".mask." not in name}
        base = f"the dense model of {trained.record['experiment']}, seed {trained.metrics['seed']}, over {encoder.name}"
        codes, texts = masks.pack_masks(weights, keeps, base, trained.task)
        files, metadata = {masks.FILE: codes}, metadata | texts
    else:
        state = {name: _converted(name, value, dtype) for name, value in dense_state_dict(trained.model).items()}
        if form == "dense":
            files = dense.split(state, encoder.model_type)
        else:
            tensors, texts = packed.pack_state(state, keeps)
            files, metadata = {packed.FILE: tensors}, metadata | texts
    for name, tensors in files.items():
        save_tensors(tensors, folder / name, metadata)
    (folder / "README.md").write_text(model_card(trained, folder, form, dtype))


def _converted(name: str, value: Tensor, dtype: str) -> Tensor:
    if not value.is_floating_point():
        return value
    converted = value.detach().to(_DTYPES[dtype])
    if not converted.isfinite().all():
        raise UserError(f"{name} has values that --dtype {dtype} cannot hold: use --dtype float32")
    return converted
