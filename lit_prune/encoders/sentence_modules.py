"""`SentenceModules`: what a model of sentence-transformers adds to its encoder (Reimers & Gurevych 2019)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers.utils import cached_file

from lit_prune.errors import UserError
from lit_prune.heads import POOLINGS
from lit_prune.limits import read_bounded

_POOLINGS = {"cls": "first", "mean": "mean", "lasttoken": "last"}
_KEPT = ("Transformer", "Pooling", "Normalize", "Dropout")


@dataclass(frozen=True)
class SentenceModules:
    """The modules after an encoder.

    Attributes:
        pooling: The pooling of hidden states, one of `heads.POOLINGS` or another name of sentence-transformers.
        others: Kinds of modules that the package does not have, such as `Dense`.
    """

    pooling: str
    others: tuple[str, ...]

    def check(self, where: str, pooling: str) -> None:
        """Raise a UserError unless a pooling alone makes the same embeddings.

        Args:
            where: Names the setting in errors.
            pooling: The pooling.
        """
        if self.others:
            raise UserError(
                f"encoder.backbone must have no module but pooling and normalisation for {where}, got "
                f"{', '.join(self.others)}: choose another model of sentence-transformers"
            )
        if self.pooling not in POOLINGS:
            raise UserError(
                f"encoder.backbone must pool by {', '.join(POOLINGS)} for {where}, got {self.pooling}: choose another "
                "model of sentence-transformers"
            )
        if self.pooling != pooling:
            raise UserError(
                f"{where} must be {self.pooling}, as the backbone was trained with it, got {pooling}: set it"
            )


def read_sentence_modules(source: str, revision: str) -> SentenceModules | None:
    """Read the modules of a model of sentence-transformers.

    Args:
        source: Folder of the model, or its name on the hub.
        revision: Branch, tag or commit on the hub.

    Returns:
        The modules, or None if the model is none of sentence-transformers.

    Raises:
        UserError: a file of it is damaged.
    """
    listed = _read(source, "modules.json", revision)
    if listed is None:
        return None
    try:
        paths = {each["type"].rpartition(".")[2]: each["path"] for each in listed}
        settings = _read(source, f"{paths['Pooling']}/config.json", revision) if "Pooling" in paths else None
        return SentenceModules(_pooling(settings or {}), tuple(each for each in paths if each not in _KEPT))
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(
            f"modules.json of {source} must list modules with type and path, got {type(error).__name__} ({error}): "
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
    path = cached_file(
        source,
        name,
        revision=revision,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    try:
        return None if path is None else json.loads(read_bounded(Path(path)))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} must be JSON, got {error}: download the model again") from error
