"""peft's own adapter files beside a delta of LoRA: `peft.PeftModel.from_pretrained(model, folder)` loads them.

`model` is that of transformers with the task's head, over the base. Where transformers has no such model, or a delta is
of several tasks, the files are of the encoder alone, for `AutoModel`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from lit_prune.encoders.counterpart import Counterpart
from lit_prune.export.formats import dense
from lit_prune.export.tensor_files import save_tensors
from lit_prune.export.trained import Base

CONFIG = "adapter_config.json"
FILE = "adapter_model.safetensors"
_ROOT = "base_model.model."  # what peft's names of the model's modules begin with
# peft's wrapper of a model for question answering drops `token_type_ids`; without a kind the model gets all inputs.
_KINDS = {"AutoModelForSequenceClassification": "SEQ_CLS", "AutoModelForQuestionAnswering": None}


def write_peft_files(
    tensors: Mapping[str, Tensor],
    factors: Mapping[str, Mapping[str, Tensor]],
    task: str,
    known: Counterpart | None,
    base: Base,
    folder: Path,
) -> None:
    """Write both files.

    Args:
        tensors: Those of the delta, as `pack_delta` has them.
        factors: LoRA's, see `Trained`.
        task: The task whose head to write.
        known: The model of transformers for it, or None for the encoder alone.
        base: The base, whose backbone peft can load by its name if it has one.
        folder: Where to.
    """
    below = "" if known is None else known.prefix
    names = {name: below + name.removeprefix("encoder.backbone.").removesuffix(".weight") for name in factors}
    written = {
        f"{_ROOT}{layer}.lora_{part}.weight": tensors[f"{name}.lora_{part}"]
        for name, layer in names.items()
        for part in "AB"
    }
    head: dict[str, Tensor] = {}
    if known is not None:
        own = {name: value for name, value in tensors.items() if name.startswith("heads.")}
        head = dense.split(own, task, known)[dense.FILE]
        written |= {f"{_ROOT}{name}": value for name, value in head.items()}
    config = _config(factors, sorted(names.values()), base) | {
        "task_type": "FEATURE_EXTRACTION" if known is None else _KINDS.get(known.auto),
        "modules_to_save": sorted({name.removeprefix(below).partition(".")[0] for name in head}) or None,
    }
    save_tensors(written, folder / FILE, {"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n")


def _config(factors: Mapping[str, Mapping[str, Tensor]], layers: list[str], base: Base) -> dict[str, Any]:
    parts = next(iter(factors.values()))
    rank = len(parts["A"])
    alpha = float(parts["alpha"]) if "alpha" in parts else rank
    return {
        "peft_type": "LORA",
        "base_model_name_or_path": base.backbone or None,
        "revision": base.revision if base.backbone else None,
        "r": rank,
        "lora_alpha": int(alpha) if alpha == int(alpha) else alpha,
        "target_modules": layers,
        "inference_mode": True,
    }
