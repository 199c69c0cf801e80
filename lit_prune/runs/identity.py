"""The identity of a run: its name, seed and place in a study, and the job of a cluster that trains it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch


def job_id() -> str | None:
    """Return the id of this process's SLURM job, None outside of SLURM."""
    return os.environ.get("SLURM_JOB_ID")


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
        job: The SLURM job that trains it, None outside of SLURM.
    """

    experiment: str = "run"
    seed: int = field(default_factory=_seed)
    axes: Mapping[str, Any] = field(default_factory=dict)
    job: str | None = field(default_factory=job_id)
