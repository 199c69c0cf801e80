"""Masks that another run has found, on a network of the same matrices."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.files import FILE, load_masks


def find_masks(start_from: str, sparsity: float | None) -> dict[str, Tensor]:
    """Return the masks of a run or file.

    Args:
        start_from: A run's folder, or a file of masks.
        sparsity: Which of a run's masks: those of the round that removed this share. If None, the run's result.

    Returns:
        bool by the weight's name.

    Raises:
        UserError: there are none, or none of this sparsity.
    """
    path = Path(start_from)
    if not path.exists():
        raise UserError(f"start_from must be a run's folder or a file of masks, got {start_from!r}: check the path")
    files = sorted(path.glob(f"*{FILE}")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"start_from must have {FILE}, got none in {start_from!r}: give a pruned run, or a file")
    if sparsity is None:
        return load_masks(path / FILE if path.is_dir() else path)
    there = {}
    for file in files:
        masks = load_masks(file)
        there[file] = removed(masks)
        if abs(there[file] - sparsity) < 5e-4:
            return masks
    known = ", ".join(f"{value:.3f} ({file.name})" for file, value in there.items())
    raise UserError(f"unknown sparsity {sparsity} of the masks of {start_from}: choose from {known}")


def removed(masks: Mapping[str, Tensor]) -> float:
    """Return the share of all entries that masks remove."""
    return 1 - sum(int(keep.sum()) for keep in masks.values()) / sum(keep.numel() for keep in masks.values())


def check_fit(masks: Mapping[str, Tensor], weights: Mapping[str, Tensor], origin: str) -> None:
    """Check that masks are for these weights.

    Raises:
        UserError: a mask has no weight, or one of another shape.
    """
    for name, keep in masks.items():
        if name not in weights or weights[name].shape != keep.shape:
            own = tuple(weights[name].shape) if name in weights else "nothing"
            raise UserError(
                f"masks of {origin} must have this model's architecture, got {name} of {tuple(keep.shape)} where it "
                f"has {own}: check encoder.backbone and the tasks"
            )
