"""What a resumed run needs to repeat the bits of an undisturbed one: random states as plain values, conditions."""

import random
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities import rank_zero_warn


def random_state() -> dict[str, Any]:
    """State of torch (CPU and CUDA), NumPy and Python; loads with `weights_only=True`."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  whoever draws from it
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, np.asarray(keys).tolist(), *rest],  # an array or NumPy scalar would break safe loading
        "python": random.getstate(),
    }


def random_states(num_processes: int) -> list[dict[str, Any]]:
    """The random state of every process, by rank; all of them must call this."""
    states: list[dict[str, Any]] = [random_state()] * num_processes
    if num_processes > 1:
        torch.distributed.all_gather_object(states, random_state())
    return states


def restore_random_state(state: dict[str, Any]) -> None:
    """Set what `random_state` gave."""
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))


def conditions(trainer: Trainer) -> dict[str, Any]:
    """What else must stay for bits to repeat."""
    return {
        "num_processes": trainer.world_size,
        "num_threads": torch.get_num_threads(),
        "precision": str(trainer.precision),
    }


def warn_of_changes(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Name each condition that is not what it was."""
    for name, value in now.items():
        if then.get(name) != value:
            rank_zero_warn(f"{name} was {then.get(name)} and is {value} now: results will not repeat bit for bit")
