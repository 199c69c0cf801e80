"""Masks that a found mask is compared with: as many entries kept per matrix, but not the ones that were found.

A subnetwork is worth finding only if it does better than these (Frankle et al. 2021; Su et al. 2020).
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Control(ABC):
    """A mask to compare with each found one.

    Args:
        seed: Seed of the control's own generator; matrices in the same order get the same draws on every device.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)

    @abstractmethod
    def __call__(self, keep: Tensor) -> Tensor:
        """Return a mask of the shape of `keep` (rows, columns; bool) with as many kept entries."""


class RandomMask(Control):
    """Random entries of the matrix, at the density of the found mask.

    Args:
        seed: Seed of the control's own generator.
    """

    def __call__(self, keep: Tensor) -> Tensor:
        """Return the entries in a random order."""
        order = torch.randperm(keep.numel(), generator=self.generator)
        return keep.flatten()[order.to(keep.device)].view(keep.shape)


class ShuffledMask(Control):
    """The found mask with its rows and its columns shuffled, which preserves their densities.

    Args:
        seed: Seed of the control's own generator.
    """

    def __call__(self, keep: Tensor) -> Tensor:
        """Return the mask, shuffled."""
        rows, columns = (torch.randperm(size, generator=self.generator).to(keep.device) for size in keep.shape)
        return keep[rows][:, columns]
