"""`lit_prune export`: a finished run's selected model as a folder that others can load."""

import json
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path

import torch
from jsonargparse import ArgumentParser
from torch import Tensor

from lit_prune.data.closed import add_plugins
from lit_prune.data.tasks.kinds import describe
from lit_prune.errors import UserError
from lit_prune.export import compact, csr, delta, dense, lowrank, masks, packed
from lit_prune.export.card import model_card
from lit_prune.export.dense import Counterpart
from lit_prune.export.files import save_tensors
from lit_prune.export.load import FILES, TASKS, checksums
from lit_prune.export.peft_files import write_peft_files
from lit_prune.export.trained import Trained, read_run
from lit_prune.files import new_path, write_folder, writing
from lit_prune.runs.checkpoints import BASE, read_checkpoint, state_of
from lit_prune.sparsity.install import dense_state_dict, masks_by_task
from lit_prune.sparsity.pairs import rank_pairs
from lit_prune.tuning.adapter import has_adapters

FORMATS = ("dense", "packed", "compact", "lowrank", "csr", "masks", "delta")
_DTYPES = {"float32": torch.float32, "float16": torch.float16}


def run(arguments: Sequence[str]) -> None:
    """Export as the arguments of `lit_prune export` say."""
    parser = ArgumentParser(prog="lit_prune export", exit_on_error=False, description=__doc__)
    parser.add_function_arguments(export, as_group=False, as_positional=True, skip={"plugins"})
    add_plugins(parser)
    export(**parser.parse_args(list(arguments)).as_dict())


def export(
    run: str,
    *,
    format: str,
    out: str,
    dtype: str = "float32",
    task: str | None = None,
    plugins: Sequence[str] = (),
) -> None:
    """Write a finished run's selected model, masks folded in, with its tokenizer and a model card.

    Args:
        run: Folder of a finished run, logs/<experiment>/version_<n>.
        format: `dense` (plain transformers loads it), `packed` (small: only kept weights; lit_prune.load reads it),
            `compact` (without the attention heads and feed-forward units of which nothing is left, so faster where
            masks leave such; lit_prune.load reads it), `lowrank` (two small matrices for each that is pruned by rank:
            small and fast; lit_prune.load reads it), `csr` (packed, and computed by sparse products, which on a CPU
            are fast where a tenth is kept or less; lit_prune.load reads it), `masks` (no weights: what is kept of the
            run's dense model, which lit_prune.load then needs as its base) or `delta` (of a sparsely tuned run: what
            it changed of the backbone, which is lit_prune.load's base; of LoRA with the files that peft loads).
        out: The folder to write: a new one, or an empty one.
        dtype: Data type of the weights, float32 or float16.
        task: The task whose head and masks to export, by default those of all; needed for `dense` where the run has
            several.
        plugins: Modules of yours whose classes of tasks the run may name.

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
    trained = read_run(Path(run), task, plugins)
    if format == "masks" and not trained.is_masked_base:
        raise UserError(f"--format masks: {run} trained more than masks over a model of its own, use packed")
    if format == "dense" and has_adapters(trained.model):
        raise UserError(f"--format dense: {run} has adapters, which transformers' models have not: use packed or delta")
    if format == "delta" and "tuned" not in trained.metrics:
        raise UserError(f"--format delta: {run} tuned no share of its entries (SparseFinetuning): use dense or packed")
    is_for_peft = format == "delta" and trained.factors and len(trained.model.tasks) == 1
    known = _counterpart(trained) if format == "dense" or is_for_peft else None
    with writing(folder):
        write_folder(folder, partial(_write, trained, format, dtype, known))
    print(out)


def _counterpart(trained: Trained) -> Counterpart | None:
    return dense.counterpart(trained.model.encoder, trained.model.tasks[trained.task])


def _write(trained: Trained, form: str, dtype: str, known: Counterpart | None, folder: Path) -> None:
    model, encoder = trained.model, trained.model.encoder
    config = deepcopy(encoder.backbone.config)
    config.architectures = [known.name if form == "dense" and known else type(encoder.backbone).__name__]
    config.dtype = _DTYPES[dtype]
    if len(model.tasks) == 1:
        config.update(model.tasks[model.task].transformers_settings)
    config.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    described = json.dumps([describe(task) for task in model.tasks.values()])
    # transformers asks for `format`
    metadata = {"format": "pt", FILES: json.dumps(checksums(folder)), TASKS: described}
    weights = {name: value for name, value in model.state_dict().items() if ".mask." not in name}
    if form == "masks":
        base = f"the dense model of {trained.record['experiment']}, seed {trained.metrics['seed']}, over {encoder.name}"
        codes, texts = masks.pack_masks(weights, masks_by_task(model).get("", {}), base)
        files, metadata = {masks.FILE: codes}, metadata | texts
    elif form == "delta":
        base = read_checkpoint(trained.run / "checkpoints" / BASE)["state_dict"]
        tensors, texts = delta.pack_delta(weights, state_of(model.tasks, base), *trained.base, trained.factors)
        converted = {name: _converted(name, value, dtype) for name, value in tensors.items()}
        files, metadata = {delta.FILE: converted}, metadata | texts
        if trained.factors and not rank_pairs(model):  # which no model of transformers has
            write_peft_files(converted, trained.factors, model.task, known, trained.base[1], folder)
    elif form in ("packed", "csr"):
        if form == "csr":
            csr.sparse_layers(model)  # there must be some
        state = {name: _converted(name, value, dtype) for name, value in weights.items()}
        tensors, texts = packed.pack_state(state, masks_by_task(model))
        files, metadata = {packed.FILE if form == "packed" else csr.FILE: tensors}, metadata | texts
    elif form == "lowrank":
        small = deepcopy(model)
        lowrank.factor(small)
        files = {lowrank.FILE: {name: _converted(name, value, dtype) for name, value in small.state_dict().items()}}
    elif form == "compact":
        small = deepcopy(model)
        removed = compact.compact(small)
        print(
            f"removed {sum(removed.heads)} attention heads and {sum(removed.units)} feed-forward units, "
            f"{removed.parameters.sparsity:.1%} of the layers' parameters"
        )
        state = {name: _converted(name, value, dtype) for name, value in small.state_dict().items()}
        files, metadata = {compact.FILE: state}, metadata | {compact.SIZES: json.dumps(compact.sizes(small))}
    else:
        state = {name: _converted(name, value, dtype) for name, value in dense_state_dict(model).items()}
        files = dense.split(state, trained.task, known)
    for name, tensors in files.items():
        save_tensors(tensors, folder / name, metadata)
    (folder / "README.md").write_text(model_card(trained, folder, form, dtype, known))


def _converted(name: str, value: Tensor, dtype: str) -> Tensor:
    if not value.is_floating_point():
        return value
    converted = value.detach().to(_DTYPES[dtype])
    if not converted.isfinite().all():
        raise UserError(f"{name} has values that --dtype {dtype} cannot hold: use --dtype float32")
    return converted
