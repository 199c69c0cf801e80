"""Proof, at every refresh, that all processes of a run hold the same masks and scores."""

from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor

from lit_prune.paradigms.fine_tune import FineTune


class Agreement(Callback):
    """Stops a run whose processes have come to differ: what they would go on to select is no longer one mask."""

    def __init__(self) -> None:
        self.last_step = -1

    def on_train_batch_start(self, trainer: Trainer, pl_module: FineTune, batch: Any, batch_idx: int) -> None:
        """Compare what the step before has refreshed."""
        self._compare(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: FineTune) -> None:
        """Compare what the evaluation has refreshed, the masks that may be selected: after the last comes no step."""
        self._compare(trainer, pl_module)

    def _compare(self, trainer: Trainer, pl_module: FineTune) -> None:
        refreshed = pl_module.refreshed
        if trainer.world_size == 1 or refreshed is None or refreshed.step == self.last_step:
            return
        self.last_step = refreshed.step
        digests: list[dict[str, int]] = [{}] * trainer.world_size
        torch.distributed.all_gather_object(digests, digest(pl_module))
        wrong = [name for name, value in digests[0].items() if any(each[name] != value for each in digests)]
        if wrong:
            raise RuntimeError(f"scores or thresholds of {wrong} differ between processes at step {refreshed.step}")


def digest(module: FineTune) -> dict[str, int]:
    """A hash of the scores and the threshold of every learned mask, by the name of its layer."""
    return {
        name: hash((_hash(mask.scores.detach()), _hash(mask.threshold)))
        for name, mask in module.learned_masks().items()
    }


def _hash(value: Tensor) -> int:
    return int(torch.hash_tensor(value).view(torch.int64))
