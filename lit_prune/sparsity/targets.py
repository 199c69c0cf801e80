"""Which tensors: the weight matrices of an encoder and its heads by kind (SRNets, Liu et al. 2022).

Every family of the table has `attention_output`, `intermediate`, `output`, `pooler` and `classifier`.

| model type                                                   | attention                              | pooler   |
|--------------------------------------------------------------|----------------------------------------|----------|
| bert, albert                                                 | query, key, value                      | backbone |
| roberta, xlm-roberta, camembert, mpnet, electra, distilbert  | query, key, value                      | head     |
| nomic_bert, eurobert; t5 (the encoder)                       | query, key, value                      | head     |
| deberta-v2 (v3 too)                                          | query, key, value; those of positions  | head     |
| deberta                                                      | query_key_value; those of positions    | head     |
| modernbert                                                   | query_key_value                        | head     |

For other model types the targets are the linear layers of the repeated blocks, by their names in a block.
A target is every matrix of its kind: `query_key_value` all three in one, `intermediate` with its gate, if it has one.
DeBERTa projects relative positions as well: those matrices belong to the query and the key that they make. ALBERT
applies one layer many times: its matrices are found, masked and counted once. What only widens a narrow embedding table
(ELECTRA, ALBERT) belongs to the embeddings and is no target.
"""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.pairs import RankPair

_ENCODER = {
    "query": "encoder.backbone.encoder.layer.*.attention.self.query",
    "key": "encoder.backbone.encoder.layer.*.attention.self.key",
    "value": "encoder.backbone.encoder.layer.*.attention.self.value",
    "attention_output": "encoder.backbone.encoder.layer.*.attention.output.dense",
    "intermediate": "encoder.backbone.encoder.layer.*.intermediate.dense",
    "output": "encoder.backbone.encoder.layer.*.output.dense",
    "embeddings": "encoder.backbone.embeddings.word_embeddings",
}
_HALF = re.compile(r"(\.block\.\d+)\.layer\.\d+")  # T5 numbers attention and feed-forward of a block
_UNPOOLED = {"pooler": "heads.*.dense", "classifier": "heads.*.out_proj"}
_TRANSFORMED = {"pooler": "heads.*.pre_classifier", "classifier": "heads.*.classifier"}
_BLOCK = "encoder.backbone.layers.*."
_GATED = {
    "query": f"{_BLOCK}self_attn.q_proj",
    "key": f"{_BLOCK}self_attn.k_proj",
    "value": f"{_BLOCK}self_attn.v_proj",
    "attention_output": f"{_BLOCK}self_attn.o_proj",
    "intermediate": f"{_BLOCK}mlp.[gu]*_proj",
    "output": f"{_BLOCK}mlp.down_proj",
}
_T5_BLOCK = "encoder.backbone.encoder.block.*.layer.*."

# Model type (as transformers names it) -> target -> pattern of module names below the paradigm.
TARGETS: dict[str, dict[str, str]] = {
    "bert": _ENCODER | {"pooler": "encoder.backbone.pooler.dense", "classifier": "heads.*.classifier"},
    "roberta": _ENCODER | _UNPOOLED,
    "xlm-roberta": _ENCODER | _UNPOOLED,
    "camembert": _ENCODER | _UNPOOLED,
    "electra": _ENCODER | _TRANSFORMED,
    "mpnet": _ENCODER
    | {
        "query": "encoder.backbone.encoder.layer.*.attention.attn.q",
        "key": "encoder.backbone.encoder.layer.*.attention.attn.k",
        "value": "encoder.backbone.encoder.layer.*.attention.attn.v",
        "attention_output": "encoder.backbone.encoder.layer.*.attention.attn.o",
        **_UNPOOLED,
    },
    "nomic_bert": _GATED | {"embeddings": "encoder.backbone.embeddings.word_embeddings"} | _UNPOOLED,
    "eurobert": _GATED | {"embeddings": "encoder.backbone.embed_tokens"} | _TRANSFORMED,
    "t5": {
        "query": f"{_T5_BLOCK}SelfAttention.q",
        "key": f"{_T5_BLOCK}SelfAttention.k",
        "value": f"{_T5_BLOCK}SelfAttention.v",
        "attention_output": f"{_T5_BLOCK}SelfAttention.o",
        "intermediate": f"{_T5_BLOCK}DenseReluDense.wi*",
        "output": f"{_T5_BLOCK}DenseReluDense.wo",
        "embeddings": "encoder.backbone.shared",
        **_UNPOOLED,
    },
    "distilbert": {
        "query": "encoder.backbone.transformer.layer.*.attention.q_lin",
        "key": "encoder.backbone.transformer.layer.*.attention.k_lin",
        "value": "encoder.backbone.transformer.layer.*.attention.v_lin",
        "attention_output": "encoder.backbone.transformer.layer.*.attention.out_lin",
        "intermediate": "encoder.backbone.transformer.layer.*.ffn.lin1",
        "output": "encoder.backbone.transformer.layer.*.ffn.lin2",
        "embeddings": "encoder.backbone.embeddings.word_embeddings",
        **_TRANSFORMED,
    },
    "deberta": {
        # in_proj; pos_proj (key) and pos_q_proj of relative positions. Not head_*_proj, which mix a few heads.
        "query_key_value": "encoder.backbone.encoder.layer.*.attention.self.[ip]*_proj",
        "attention_output": "encoder.backbone.encoder.layer.*.attention.output.dense",
        "intermediate": "encoder.backbone.encoder.layer.*.intermediate.dense",
        "output": "encoder.backbone.encoder.layer.*.output.dense",
        "embeddings": "encoder.backbone.embeddings.word_embeddings",
        **_TRANSFORMED,
    },
    "deberta-v2": _ENCODER
    | {
        # With pos_query_proj and pos_key_proj, where positions do not share the matrices of the tokens.
        "query": "encoder.backbone.encoder.layer.*.attention.self.*query_proj",
        "key": "encoder.backbone.encoder.layer.*.attention.self.*key_proj",
        "value": "encoder.backbone.encoder.layer.*.attention.self.value_proj",
        **_TRANSFORMED,
    },
    "modernbert": {
        "query_key_value": "encoder.backbone.layers.*.attn.Wqkv",
        "attention_output": "encoder.backbone.layers.*.attn.Wo",
        "intermediate": "encoder.backbone.layers.*.mlp.Wi",
        "output": "encoder.backbone.layers.*.mlp.Wo",
        "embeddings": "encoder.backbone.embeddings.tok_embeddings",
        **_TRANSFORMED,
    },
    "albert": {
        "query": "encoder.backbone.encoder.albert_layer_groups.*.albert_layers.*.attention.query",
        "key": "encoder.backbone.encoder.albert_layer_groups.*.albert_layers.*.attention.key",
        "value": "encoder.backbone.encoder.albert_layer_groups.*.albert_layers.*.attention.value",
        "attention_output": "encoder.backbone.encoder.albert_layer_groups.*.albert_layers.*.attention.dense",
        "intermediate": "encoder.backbone.encoder.albert_layer_groups.*.albert_layers.*.ffn",
        "output": "encoder.backbone.encoder.albert_layer_groups.*.albert_layers.*.ffn_output",
        "embeddings": "encoder.backbone.embeddings.word_embeddings",
        "pooler": "encoder.backbone.pooler",
        "classifier": "heads.*.classifier",
    },
}


def match(
    root: nn.Module,
    model_type: str,
    targets: Sequence[str] | None = None,
    patterns: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
) -> dict[str, list[str]]:
    """Find the layers that targets stand for.

    Args:
        root: The module that holds the children `encoder` and `heads`.
        model_type: The backbone's family. If it is no key of `TARGETS` and there are no `patterns`, the targets are the
            linear layers of the backbone's repeated blocks, which a warning names.
        targets: Names of targets. If None, all of the model type and of `patterns` except embeddings, as in SRNets, and
            except those of heads that no head here has (a head of spans has no classifier).
        patterns: Further or other patterns by target name. In a pattern `*` stands for any text between two dots.
        without: Targets that None leaves out.

    Returns:
        The names of the `nn.Linear` layers and pairs (`pairs.RankPair`) of each target, in module order.

    Raises:
        UserError: A target is unknown or has no `nn.Linear` layer, or the model type is unknown and its backbone has no
            repeated blocks with such layers.
    """
    known = TARGETS.get(model_type, {}) | dict(patterns or {})
    if not known:
        known = _in_blocks(root, model_type)
    if targets is not None and not targets:
        raise UserError(f"targets must name one target or more, got []: choose from {', '.join(sorted(known))}")
    targets = targets or [
        target
        for target, pattern in known.items()
        if target not in ("embeddings", *without) and (find(root, pattern) or not pattern.startswith("heads."))
    ]
    unknown = [target for target in targets if target not in known]
    if unknown:
        raise UserError(
            f"unknown targets {unknown} of {model_type}: choose from {', '.join(sorted(known))}, or give patterns for "
            "others"
        )
    return {target: _match_one(root, target, known[target]) for target in targets}


def find(root: nn.Module, pattern: str) -> dict[str, nn.Module]:
    """Return the modules whose names match a pattern, in which `*` stands for any text between two dots."""
    return {name: module for name, module in root.named_modules() if _matches(name, pattern)}


def layers_in(matched: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the layers of all targets that `match` found."""
    return [name for names in matched.values() for name in names]


def targets_of(names: Iterable[str]) -> dict[str, str]:
    """Return the target of each masked layer by the names alone, as the model type has it that knows most of them.

    A layer that no pattern of that type finds is a target of its own: its name without `encoder.backbone` and numbers.
    """
    names = list(names)
    found = [
        {name: target for name in names for target, pattern in known.items() if _matches(name, pattern)}
        for known in TARGETS.values()
    ]
    best = max(found, key=len)
    return {name: best.get(name) or _without_numbers(name.removeprefix("encoder.backbone.")) for name in names}


def named_by(patterns: Sequence[str] | None, names: Sequence[str], setting: str) -> list[str]:
    """Return the parameters that a setting's patterns name, in the order of `names`; all names if `patterns` is None.

    Raises:
        UserError: a pattern names none.
    """
    if patterns is not None and not patterns:
        raise UserError(f"{setting} must have one pattern or more, got []: leave it out for all")
    for pattern in patterns or []:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(f"{setting} must match parameters, got {pattern!r}: their names are like {names[-1]}")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns or ["*"])]


def layer_of(name: str) -> str:
    """The number of the Transformer layer that a matrix lies in, as its name has it; "" for a pooler and for heads."""
    parts = _HALF.sub(r"\1", name).split(".") if name.startswith("encoder.") else []
    return ".".join(part for part in parts if part.isdigit())


def _without_numbers(name: str) -> str:
    return ".".join(part for part in name.split(".") if not part.isdigit())


def _in_blocks(root: nn.Module, model_type: str) -> dict[str, str]:
    """Return the patterns of the linear layers in a backbone's outermost `nn.ModuleList`s, by their names there."""
    patterns: dict[str, str] = {}
    blocks = ""
    for name, module in root.get_submodule("encoder.backbone").named_modules(prefix="encoder.backbone"):
        if isinstance(module, nn.ModuleList) and not (blocks and name.startswith(blocks)):
            blocks = f"{name}."
        if blocks and name.startswith(blocks) and isinstance(module, nn.Linear | RankPair):
            below = name.removeprefix(blocks)
            patterns[_without_numbers(below)] = blocks + ".".join(
                "*" if part.isdigit() else part for part in below.split(".")
            )
    if not patterns:
        raise UserError(
            f"unknown model type {model_type!r}, without linear layers in repeated blocks: choose from "
            f"{', '.join(sorted(TARGETS))}, or give patterns"
        )
    warnings.warn(
        f"{model_type} has no table of targets: taking the linear layers of its blocks, {', '.join(patterns)}",
        stacklevel=3,
    )
    return patterns


def _match_one(root: nn.Module, target: str, pattern: str) -> list[str]:
    found = find(root, pattern)
    names = [name for name, module in found.items() if isinstance(module, nn.Linear | RankPair)]
    if not names:
        kinds = ", ".join(sorted({type(module).__name__ for module in found.values()})) or "nothing"
        raise UserError(f"target {target!r} ({pattern}) must match nn.Linear layers, got {kinds}: leave it out")
    return names


def _matches(name: str, pattern: str) -> bool:
    """Match part by part: `layer.*.output` must not find `layer.0.attention.output`."""
    parts, patterns = name.split("."), pattern.split(".")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))
