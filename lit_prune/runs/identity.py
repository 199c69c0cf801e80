"""Which run this is among others: its name, seed and place in a study."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch


def _seed() -> int:
    """Return the seed that Lightning set, or torch's first one."""
    return int(os.environ.get("PL_GLOBAL_SEED", torch.initial_seed() % 2**32))


@dataclass(frozen=True)
class Identity:
    """The identity of a run.

    Attributes:
        experiment: The experiment's name.
        seed: The seed of everything random.
        axes: The place of the run in a study, by axis.
    """

    experiment: str = "run"
    seed: int = field(default_factory=_seed)
    axes: Mapping[str, Any] = field(default_factory=dict)
