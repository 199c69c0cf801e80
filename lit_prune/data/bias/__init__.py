"""Models of a data set's bias, whose predictions the debiasing losses need."""

from typing import TYPE_CHECKING, Any

from lit_prune.lazy import public_name

if TYPE_CHECKING:
    from lit_prune.data.bias.public import *  # noqa: F403


def __getattr__(name: str) -> Any:
    return public_name(__name__, name)
