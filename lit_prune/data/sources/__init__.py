"""Sources of rows: generated, local files or the Hugging Face hub."""

from typing import TYPE_CHECKING, Any

from lit_prune.lazy import public_name

if TYPE_CHECKING:
    from lit_prune.data.sources.public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return public_name(__name__, name)
