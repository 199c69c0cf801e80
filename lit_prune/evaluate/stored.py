"""Logits of a model on sets, stored on disk by what they depend on."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.files import write_atomically
from lit_prune.runs.checkpoints import digest

_FOLDER = "lit_prune_logits"  # in the cache of `datasets`, which may be removed at any time
_LOGITS, _DIGEST = "logits", "sha256"


def logits_path(model: Sequence[Any], each: EvaluationSet, columns: Sequence[str]) -> Path:
    """Return the file of a model's logits on a set.

    Args:
        model: Plain values that change whenever the model's outputs would: a hash of its weights, settings, precision.
        each: The set.
        columns: The columns of its rows that the model reads; those that it lacks are left out.
    """
    key = hashlib.sha256(json.dumps([*model, each.task], sort_keys=True, default=str).encode())
    read = each.rows.select_columns([name for name in columns if name in each.rows.column_names]).with_format("arrow")
    sink = pyarrow.BufferOutputStream()
    for table in read.iter(batch_size=10_000):
        with pyarrow.ipc.new_stream(sink, table.schema.remove_metadata()) as writer:
            writer.write_table(table.combine_chunks().replace_schema_metadata(None))
        key.update(sink.getvalue())
        sink = pyarrow.BufferOutputStream()
    return Path(datasets.config.HF_DATASETS_CACHE) / _FOLDER / f"{key.hexdigest()}.safetensors"


def read_logits(path: Path, each: EvaluationSet) -> Tensor | None:
    """Return the stored logits of a set, or None if there are none or the file is damaged."""
    try:
        with safe_open(path, "pt") as file:
            logits: Tensor = file.get_tensor(_LOGITS)
            recorded = (file.metadata() or {}).get(_DIGEST)
    except (OSError, SafetensorError):
        return None
    is_whole = recorded == digest({_LOGITS: logits}) and logits.shape[:-1] == each.logits_shape[:-1]
    return logits if is_whole else None


def write_logits(path: Path, logits: Tensor) -> None:
    """Store the logits of a set."""
    tensors = {_LOGITS: logits.contiguous()}
    write_atomically(path, lambda partial: save_file(tensors, partial, {_DIGEST: digest(tensors)}))
