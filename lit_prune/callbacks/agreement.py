"""Proof, at every refresh and in every phase, that all processes of a run hold the same masks, scores and choices."""

from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn

from lit_prune.sparsity.install import masked_layers
from lit_prune.tuning.entries import tuned_entries

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Agreement(Callback):
    """Stops a run whose processes have come to differ: what they would go on to select is no longer one mask."""

    def __init__(self) -> None:
        self.last: tuple[str, int] = "", -1  # phase and refresh

    def on_train_batch_start(self, trainer: Trainer, pl_module: "Paradigm", batch: Any, batch_idx: int) -> None:
        """Compare what the step before has refreshed."""
        self._compare(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Compare what the evaluation has refreshed, the masks that may be selected: after the last comes no step."""
        self._compare(trainer, pl_module)

    def _compare(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        refreshed = -1 if pl_module.refreshed is None else pl_module.refreshed.step
        if trainer.world_size == 1 or (pl_module.phase, refreshed) == self.last:
            return
        self.last = pl_module.phase, refreshed
        digests: list[dict[str, int]] = [{}] * trainer.world_size
        torch.distributed.all_gather_object(digests, digest(pl_module))
        wrong = [name for name, value in digests[0].items() if any(each[name] != value for each in digests)]
        if wrong:
            raise RuntimeError(f"masks of {wrong} differ between processes at step {trainer.global_step}")


def digest(module: nn.Module) -> dict[str, int]:
    """Return a hash of what every mask is made of (scores and threshold, or bits), by the name of its layer.

    And of which entries are tuned, by the name of their tensor.
    """
    masks = {
        name: hash(tuple(_hash(value) for value in layer.mask.state_dict().values()))
        for name, layer in masked_layers(module).items()
    }
    return masks | {name: _hash(each.index) for name, each in tuned_entries(module).items()}


def _hash(value: Tensor) -> int:
    """Return a hash in which the order of bits matters: `hash_tensor` alone adds them up."""
    if value.dtype == torch.bool:
        padded = torch.nn.functional.pad(value.flatten().view(torch.uint8), (0, -value.numel() % 8))
        value = padded.view(torch.int64)
    return int(torch.hash_tensor(value).view(torch.int64))
