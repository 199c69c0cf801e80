"""Random states as plain values, and further conditions for a resumed run to be bitwise reproducible."""

import random
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_warn


def random_state() -> dict[str, Any]:
    """Return the random state of torch (CPU and CUDA), NumPy and Python; it loads with `weights_only=True`."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  libraries may draw from it
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, np.asarray(keys).tolist(), *rest],  # `weights_only=True` does not load NumPy arrays
        "python": random.getstate(),
    }


def random_states(num_processes: int) -> list[dict[str, Any]]:
    """Return the random states of all processes, by rank; must be called by all of them."""
    states: list[dict[str, Any]] = [random_state()] * num_processes
    if num_processes > 1:
        torch.distributed.all_gather_object(states, random_state())
    return states


def restore_random_state(state: dict[str, Any]) -> None:
    """Restore a random state returned by `random_state`."""
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))


def conditions(trainer: Trainer) -> dict[str, Any]:
    """Return the settings that must be equal for a resumed run to be bitwise reproducible."""
    return {
        "num_processes": trainer.world_size,
        "num_threads": torch.get_num_threads(),
        "precision": str(trainer.precision),
    }


def warn_of_changes(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Warn about conditions that have changed."""
    for name, value in now.items():
        if then.get(name) != value:
            rank_zero_warn(f"{name} was {then.get(name)} and is {value} now: results will not repeat bit for bit")
