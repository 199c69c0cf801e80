"""Prune pretrained text encoders and tune them sparsely in PyTorch Lightning, honestly measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lit_prune.export.model import TaskModel

__version__ = "0.2.0.dev0"


def load(
    folder: str | Path | Sequence[str | Path],
    base: str | Path | None = None,
    task: str | None = None,
    plugins: Sequence[str] = (),
) -> TaskModel:
    """Load a model that `lit_prune export` wrote; see `lit_prune.export.load`."""
    from lit_prune.export.load import load  # not above: the package imports without torch

    return load(folder, base, task, plugins)
