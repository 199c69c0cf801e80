"""The selected model as plain transformers knows it: masks folded in, no code of this package needed to load it."""

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification

from lit_prune.errors import UserError
from lit_prune.export.card import card
from lit_prune.export.run import Run

# Model type -> module of our head -> its counterpart in the transformers classifier of that family.
HEADS = {
    "bert": {"classifier": "classifier"},
    "roberta": {"dense": "classifier.dense", "out_proj": "classifier.out_proj"},
}
DTYPES = {"float32": torch.float32, "float16": torch.float16}


def export_dense(run: Run, task: str, out: Path, dtype: str) -> None:
    """Write a folder that `AutoModelForSequenceClassification.from_pretrained` loads, whole or not at all.

    Args:
        run: The run.
        task: Whose head is taken along.
        out: The folder; it must not exist, or be empty.
        dtype: Of the weights, a key of `DTYPES`.

    Raises:
        UserError: `out` holds something, or an argument names nothing.
    """
    family = run.encoder.model_type
    for value, known, what in ((family, HEADS, "model type"), (task, run.labels, "task"), (dtype, DTYPES, "dtype")):
        if value not in known:
            raise UserError(f"{what} {value!r} cannot be exported: known are {', '.join(known)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out} is there already: name a folder that is not, nothing is written over")
    labels = run.labels[task]
    settings = run.encoder.backbone.config
    settings.id2label = dict(enumerate(labels))
    settings.label2id = {label: number for number, label in enumerate(labels)}
    model = AutoModelForSequenceClassification.from_config(settings, trust_remote_code=False)
    names = {"encoder.backbone": model.base_model_prefix}
    names |= {f"heads.{task}.{ours}": theirs for ours, theirs in HEADS[family].items()}
    model.load_state_dict(
        {
            f"{theirs}{name.removeprefix(ours)}": value
            for name, value in run.state.items()
            for ours, theirs in names.items()
            if name.startswith(f"{ours}.")
        }
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        model.to(DTYPES[dtype]).save_pretrained(partial)
        run.encoder.tokenizer.save_pretrained(partial)
        size = (partial / "model.safetensors").stat().st_size
        (partial / "README.md").write_text(card(run, task, size))
        partial.chmod(0o755)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
