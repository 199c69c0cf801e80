"""Which tensors: the weight matrices of an encoder and its heads by kind (SRNets, Liu et al. 2022)."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

from lit_prune.errors import UserError

_ENCODER = {
    "query": "encoder.backbone.encoder.layer.*.attention.self.query",
    "key": "encoder.backbone.encoder.layer.*.attention.self.key",
    "value": "encoder.backbone.encoder.layer.*.attention.self.value",
    "attention_output": "encoder.backbone.encoder.layer.*.attention.output.dense",
    "intermediate": "encoder.backbone.encoder.layer.*.intermediate.dense",
    "output": "encoder.backbone.encoder.layer.*.output.dense",
    "embeddings": "encoder.backbone.embeddings.word_embeddings",
}

# Model type (as transformers names it) -> target -> pattern of module names below the paradigm.
TARGETS: dict[str, dict[str, str]] = {
    "bert": _ENCODER | {"pooler": "encoder.backbone.pooler.dense", "classifier": "heads.*.classifier"},
    "roberta": _ENCODER | {"pooler": "heads.*.dense", "classifier": "heads.*.out_proj"},
}

# What SRNets masks.
DEFAULT_TARGETS = ("query", "key", "value", "attention_output", "intermediate", "output", "pooler", "classifier")


def match(
    root: nn.Module, model_type: str, targets: Sequence[str], patterns: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """Find the layers that targets stand for.

    Args:
        root: The module that holds the children `encoder` and `heads`.
        model_type: The backbone's family, a key of `TARGETS`; another one needs `patterns`.
        targets: Names of targets.
        patterns: Further or other patterns by target name. In a pattern `*` stands for any text between two dots.

    Returns:
        The names of the `nn.Linear` layers of each target, in module order.

    Raises:
        UserError: The model type or a target is unknown, or a target has no `nn.Linear` layer.
    """
    known = TARGETS.get(model_type, {}) | dict(patterns or {})
    if not known:
        raise UserError(f"no targets are known for model type {model_type!r} (known: {sorted(TARGETS)}): give patterns")
    unknown = [target for target in targets if target not in known]
    if unknown:
        raise UserError(f"unknown targets {unknown}: {model_type} has {sorted(known)}; give patterns for others")
    return {target: _match_one(root, target, known[target]) for target in targets}


def _match_one(root: nn.Module, target: str, pattern: str) -> list[str]:
    found = {name: module for name, module in root.named_modules() if _matches(name, pattern)}
    names = [name for name, module in found.items() if isinstance(module, nn.Linear)]
    if not names:
        kinds = ", ".join(sorted({type(module).__name__ for module in found.values()})) or "nothing"
        raise UserError(f"target {target!r} ({pattern}) finds {kinds}: only nn.Linear can be masked; leave it out")
    return names


def _matches(name: str, pattern: str) -> bool:
    """Match part by part: `layer.*.output` must not find `layer.0.attention.output`."""
    parts, patterns = name.split("."), pattern.split(".")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))
