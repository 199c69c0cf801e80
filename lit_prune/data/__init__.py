"""Data of a run: tasks, the sources of their rows, and the data module over them."""

from typing import TYPE_CHECKING, Any

from lit_prune.lazy import public_name

if TYPE_CHECKING:
    from lit_prune.data.public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return public_name(__name__, name)
