"""`SentenceModules`: the settings of a model of sentence-transformers beside its encoder (Reimers & Gurevych 2019)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lit_prune.encoders.hub_files import find_file
from lit_prune.errors import UserError
from lit_prune.heads import POOLINGS
from lit_prune.limits import read_bounded

_POOLINGS = {"cls": "first", "mean": "mean", "lasttoken": "last"}
_KEPT = ("Transformer", "Pooling", "Normalize", "Dropout")


@dataclass(frozen=True)
class SentenceModules:
    """The settings of a model of sentence-transformers beside its encoder.

    Attributes:
        pooling: The pooling of hidden states, one of `heads.POOLINGS` or another name of sentence-transformers.
        normalise: Whether embeddings are divided by their length.
        max_length: Maximum number of tokens of a text, or None.
        settings: Prompts and similarity function, as in `config_sentence_transformers.json`.
        unsupported: Modules and settings that the package does not have, such as the module `Dense`.
    """

    pooling: str
    normalise: bool = False
    max_length: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    unsupported: tuple[str, ...] = ()

    def check(self, where: str, pooling: str, normalise: bool) -> None:
        """Raise a UserError unless pooling and normalisation make the embeddings of the model.

        Args:
            where: Names the task in errors.
            pooling: The task's pooling.
            normalise: Whether the task divides embeddings by their length.
        """
        unsupported = self.unsupported or (() if self.pooling in POOLINGS else (f"pooling by {self.pooling}",))
        if unsupported:
            raise UserError(
                f"encoder.backbone must pool by {', '.join(POOLINGS)} and have nothing else beside its encoder but "
                f"normalisation, got {', '.join(unsupported)}: prune it in your own training, by lit_prune.Prune"
            )
        for name, own, given in (("pooling", self.pooling, pooling), ("normalise", self.normalise, normalise)):
            if own != given:
                raise UserError(
                    f"{name} of {where} must be {own}, as the backbone was trained with it, got {given}: set it"
                )


def read_sentence_modules(backbone: str, revision: str) -> SentenceModules | None:
    """Read the modules of a model of sentence-transformers.

    Args:
        backbone: Folder of the model, its name on the hub, or `bundled`.
        revision: Branch, tag or commit on the hub.

    Returns:
        The modules, or None if the model is none of sentence-transformers.

    Raises:
        UserError: a file of it is damaged.
    """
    listed = _read(backbone, "modules.json", revision)
    if listed is None:
        return None
    try:
        paths = {each["type"].rpartition(".")[2]: each["path"] for each in listed}
        pooling = _read(backbone, f"{paths['Pooling']}/config.json", revision) if "Pooling" in paths else None
        encoder = _read(backbone, "sentence_bert_config.json", revision) or {}
        settings = _read(backbone, "config_sentence_transformers.json", revision) or {}
        unsupported = [f"the module {each}" for each in paths if each not in _KEPT]
        unsupported += ["do_lower_case"] if encoder.get("do_lower_case") else []
        unsupported += ["include_prompt: false"] if not (pooling or {}).get("include_prompt", True) else []
        unsupported += ["a default prompt"] if settings.get("default_prompt_name") else []
        return SentenceModules(
            _pooling(pooling or {}),
            "Normalize" in paths,
            encoder.get("max_seq_length"),
            {name: settings[name] for name in ("prompts", "similarity_fn_name") if name in settings},
            tuple(unsupported),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(
            f"modules.json of {backbone} must list modules with type and path, got {type(error).__name__} ({error}): "
            "download the model again"
        ) from error


def _pooling(settings: Mapping[str, Any]) -> str:
    """Return the pooling in a configuration of the module `Pooling`: its one mode, or the names of several."""
    old = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "lasttoken": "lasttoken"}
    modes = settings.get("pooling_mode", [name for name, key in old.items() if settings.get(f"pooling_mode_{key}")])
    named = modes if isinstance(modes, str) else "+".join(modes) or "mean"
    return _POOLINGS.get(named, named)


def _read(source: str, name: str, revision: str) -> Any:
    """Return the content of a JSON file of a model, or None if it has none."""
    path = find_file(source, name, revision)
    try:
        return None if path is None else json.loads(read_bounded(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} must be JSON, got {error}: download the model again") from error
