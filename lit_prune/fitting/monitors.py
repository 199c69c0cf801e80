"""The values that callbacks monitor, checked before training."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from lit_prune.errors import UserError

_ROOMS = ("lightning", "lit_prune")


class Monitors(Callback):
    """Raises an error before training if a callback monitors a value that nothing logs, as after a misspelt name.

    Callbacks and paradigms of other packages may log more: in a run that has one nothing is checked.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check the callbacks of the Trainer."""
        callbacks = trainer.callbacks  # type: ignore[attr-defined]
        if any(type(each).__module__.partition(".")[0] not in _ROOMS for each in (pl_module, *callbacks)):
            return
        monitors = {type(each).__name__: each.monitor for each in callbacks if getattr(each, "monitor", None)}
        for name, monitor in monitors.items():
            if monitor not in (known := logged_names(trainer.datamodule)):  # type: ignore[attr-defined]
                raise UserError(f"unknown monitor {monitor!r} of {name}: choose from {', '.join(known)}")


def logged_names(data: Any) -> list[str]:
    """Return the names of the values that a run logs for callbacks.

    Args:
        data: The run's data module, set up.
    """
    names = [
        f"{each.name}/{name}"
        for each in data.evaluation_sets
        for name in each.metrics(torch.zeros(each.logits_shape))
        if name in ("accuracy", "auroc")
    ]
    return ["selection", "train/loss", *names]
