"""`SparseFinetuning`: a share of the entries of the encoder is tuned, chosen before the first step (Fu et al. 2023)."""

from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from lit_prune.checkpoints import KEY, complete, leave_out
from lit_prune.data.task import Task
from lit_prune.encoder import PrunableEncoder
from lit_prune.losses import Loss
from lit_prune.paradigms.from_dense import FromDense
from lit_prune.paradigms.phase import Phase
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.entries import check_share, select_entries
from lit_prune.sparsity.gradients import GradientCriterion
from lit_prune.sparsity.targets import named_by
from lit_prune.sparsity.tuned import (
    frozen_tensors,
    indices_in,
    leave_plain,
    take_plain,
    tune,
    tuned_entries,
)


class SparseFinetuning(FromDense):
    """A phase `tune` that trains the heads and a share of the encoder's entries; the others stay as they were.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head, which is trained whole.
        tune: Length and rates of the phase.
        loss: Its loss.
        criterion: Which entries are tuned: the largest by `GradientCriterion` (SAM), `Magnitude`, `Random`, ...
        share: The fraction of the entries of the targets that is tuned, from 0 (the heads alone) to 1.
        scope: `tensor`: the share of each tensor, as the authors' code has it; `global`: of all, as their theorem.
        targets: Name patterns of the tensors, None: all of the encoder's. `["*.bias"]` with a share of 1 is BitFit.
        dense: Length and rates of a dense phase before, None: there is none.
        dense_loss: The loss of the dense phase, None: cross-entropy.
        start_from: A run's folder or a checkpoint to take the weights from, None: the pretrained encoder.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        tune: Phase,
        loss: Loss,
        criterion: Criterion,
        share: float = 0.005,
        scope: str = "tensor",
        targets: list[str] | None = None,
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
    ) -> None:
        super().__init__(encoder, tasks, dense, dense_loss, start_from)
        check_share(share, scope)
        self.add_phase("tune", tune.as_last("tune"), loss)
        self.criterion = criterion
        self.share = share
        self.scope = scope
        names = [name for name, value in self.named_parameters() if name.startswith("encoder.") and value.requires_grad]
        self.targets = named_by(targets, names, "targets")
        self.indices: dict[str, Tensor] | None = None  # of a resumed run

    def load_start(self, phase: str) -> None:
        """Tuning starts from the best model of the dense phase."""
        if phase == self.last_phase and self.ends["dense"] > 0:
            self.load_dense()

    def enter(self, phase: str) -> None:
        """Choose the entries, and freeze the rest of the encoder."""
        if phase == self.last_phase:
            parameters = {name: self.get_parameter(name) for name in self.targets}
            indices = self.choose(parameters) if self.indices is None else self.indices
            self.encoder.requires_grad_(False)
            tune(self, indices)

    def choose(self, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The entries of each tensor that are tuned, the same on every process."""
        if isinstance(self.criterion, GradientCriterion):
            self.criterion.take(parameters, self._losses(self.criterion.num_batches), self.sum_processes)
        scores = {name: self.criterion(value, 1 - self.share) for name, value in parameters.items()}
        for value in parameters.values():
            value.grad = None
        return select_entries(scores, self.share, self.scope)

    def _losses(self, num_batches: int) -> Iterator[Tensor]:
        """The losses of the first batches of training, over and over where there are fewer; as in a training step."""
        loader = self._data.train_dataloader()
        batches = chain.from_iterable(repeat(loader))
        shown = track(
            range(num_batches),
            description="gradients before training",
            console=Console(stderr=True),
            transient=True,
            disable=not self.trainer.is_global_zero,
        )
        precision = self.trainer.precision_plugin
        for _, batch in zip(shown, batches, strict=False):
            placed = self.trainer.strategy.batch_to_device(batch)
            with torch.enable_grad(), precision.forward_context():
                loss = self.batch_loss(placed)
            yield loss

    def facts(self) -> dict[str, Any]:
        """What else is recorded of a selected model: how many entries are tuned, and their share of the targets'."""
        if self.phase != self.last_phase:
            return super().facts()
        num_tuned = sum(len(each.index) for each in tuned_entries(self).values())
        num_all = sum(value.numel() for name, value in frozen_tensors(self).items() if name in set(self.targets))
        return super().facts() | {"tuned": num_tuned, "tuned_share": num_tuned / num_all}

    # ---- checkpoints -----------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """While tuning, leave what is frozen to the dense checkpoint."""
        super().on_save_checkpoint(checkpoint)
        if self.phase == self.last_phase:
            checkpoint["state_dict"] = leave_plain(checkpoint["state_dict"])
            leave_out(checkpoint, frozen_tensors(self))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put what is frozen back, and tune the entries that the run had chosen."""
        complete(checkpoint, self.checkpoints / "last.ckpt")
        if checkpoint[KEY]["phase"] == self.last_phase:
            self.indices = indices_in(checkpoint["state_dict"])
        super().on_load_checkpoint(checkpoint)
        checkpoint["state_dict"] = take_plain(checkpoint["state_dict"])
