"""Files of a model in a local folder or on the Hugging Face hub: single ones, and the licence in its model card."""

from pathlib import Path

import yaml
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from huggingface_hub.repocard import metadata_load
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from transformers.utils import cached_file

from lit_prune.encoders import bundled
from lit_prune.errors import UserError
from lit_prune.limits import read_bounded

_LICENCE = ("license", "license_name", "license_link")


def is_on_hub(name: str) -> bool:
    """Return True if a name stands for a model on the hub: neither `bundled` nor a local path."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return name != bundled.NAME and not Path(name).exists()


def find_file(source: str, name: str, revision: str) -> Path | None:
    """Return the path of a file of a model, or None if the model does not have it or cannot be reached.

    Args:
        source: Folder of the model, its name on the hub, or `bundled`.
        name: The file, such as `modules.json`.
        revision: Branch, tag or commit on the hub.
    """
    path = cached_file(
        str(bundled.bundled_path()) if source == bundled.NAME else source,
        name,
        revision=revision,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    return None if path is None else Path(path)


def cached_commit(name: str, revision: str) -> str | None:
    """Return the commit of a model in the hub's cache, None if it is not there.

    Args:
        name: The model, on the hub or a local folder.
        revision: Branch, tag or commit on the hub.
    """
    path = try_to_load_from_cache(name, "config.json", revision=revision) if is_on_hub(name) else None
    return Path(path).parent.name if isinstance(path, str) else None


def read_licence(source: str, revision: str) -> dict[str, str]:
    """Return the licence in the model card of a model as fields of a card; `unknown` if it has none.

    Args:
        source: Folder of the model, its name on the hub, or `bundled`.
        revision: Branch, tag or commit on the hub.
    """
    unknown = {"license": "unknown"}
    try:
        path = find_file(source, "README.md", revision)
        if path is None:
            return unknown
        read_bounded(path)  # metadata_load has no limit
        card = metadata_load(path) or {}
    except (OSError, ValueError, RecursionError, UserError, yaml.YAMLError):
        return unknown
    return unknown | {name: card[name] for name in _LICENCE if isinstance(card.get(name), str)}
