"""The random state of a process as plain values, so that a resumed run draws what an undisturbed one would."""

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """State of torch (CPU and CUDA), NumPy and Python; loads with `weights_only=True`."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  whoever draws from it
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": [kind, np.asarray(keys).tolist(), *rest],  # an array or NumPy scalar would break safe loading
        "python": random.getstate(),
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Set what `random_state` gave."""
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
