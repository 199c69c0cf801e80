"""`SparseFinetuning`: a few of the encoder's parameters are tuned, by one of several methods (Fu et al. 2023)."""

from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from lit_prune.data.batch import Batch
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.from_dense import FromDense
from lit_prune.paradigms.phase import Phase
from lit_prune.runs.checkpoints import complete, has_masks, leave_out
from lit_prune.tuning.entries import frozen_tensors
from lit_prune.tuning.method import Method
from lit_prune.tuning.names import leave_plain, take_plain


class SparseFinetuning(FromDense):
    """A phase `tune` that trains the heads, and of the encoder what a method says; methods that search do so before.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head, which is trained whole.
        tune: Length and rates of the phase.
        loss: Its loss, and that of the search.
        method: What is tuned: `lit_prune.tuning.ChosenEntries` (SAM, Random, MagPruning, BitFit), `ChildPruning`,
            `DiffPruning`, `Mixout`, `ChildTuningFree`, `Lora`, `Adapter`.
        search: Length and rates of the phase `search`, of the methods that have one.
        dense: Length and rates of a dense phase before, None: there is none.
        dense_loss: The loss of the dense phase, None: cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from, None: the pretrained encoder. Of a
            pruned run its `checkpoints/best.ckpt`: what is pruned stays so, and what a matrix kept of its ranks is
            there as two matrices, each of which is tuned. A model of other tasks gives its encoder
            (intermediate-task training, Phang et al. 2018); the heads are fresh.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        tune: Phase,
        loss: Loss,
        method: Method,
        search: Phase | None = None,
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
    ) -> None:
        super().__init__(encoder, tasks, dense, dense_loss, start_from)
        if (search is not None) != method.searches:
            raise UserError(
                f"{type(method).__name__} searches what to tune: give the phase `search` its steps"
                if method.searches
                else f"{type(method).__name__} searches nothing: leave the phase `search` out"
            )
        method.check(self)
        if search is not None:
            self.add_phase("search", search.as_last("search"), loss)
        self.add_phase("tune", tune.as_last("tune"), loss)
        self.method = method
        self.saved: dict[str, Tensor] | None = None  # the state of a resumed run

    def take_start(self, state: Mapping[str, Tensor], origin: Path) -> None:
        """Take over a dense model, or a pruned one under its masks, which are fixed; of other tasks, the encoder."""
        if not any(name.startswith(tuple(f"heads.{task}." for task in self.tasks)) for name in state):
            self.is_start_whole = self.is_start_trained = False
            encoder = {name: value for name, value in state.items() if name.startswith("encoder.")}
            state = encoder | {name: value for name, value in self.state_dict().items() if name.startswith("heads.")}
        if has_masks(state):
            self.take_pruned(state, origin)
        else:
            super().take_start(state, origin)

    def load_start(self, phase: str) -> None:
        """What follows the dense phase starts from its best model."""
        if self.phase == "dense" and self.ends["dense"] > 0:
            self.load_dense()

    def trained_names(self, phase: str) -> list[str]:
        """Return the names of the model's parameters that a phase trains: the heads, and what the method trains."""
        names = super().trained_names(phase)
        if phase == "dense":
            return names
        heads = [name for name in names if name.startswith("heads.")]
        return heads + (self.method.searched_names(self) if phase == "search" else self.method.tuned_names(self))

    def enter(self, phase: str) -> None:
        """Shape the model for the search, or for tuning."""
        if phase == "search":
            self.method.begin_search(self)
        elif phase == "tune" and self.saved is not None:
            self.method.restore(self, self.saved)
        elif phase == "tune":
            self.method.begin(self, self._losses, self.sum_processes)

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

    def batch_loss(self, batch: Batch) -> Tensor:
        """The loss of the current phase; in the search with what the method adds to it."""
        loss = super().batch_loss(batch)
        return loss + self.method.penalty(self) if self.phase == "search" else loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """After a step of the search, what the method does then."""
        if self.phase == "search":
            told = self.method.after_search_step(self, self.trainer.global_step - self.span("search")[0])
            for logger in self.loggers if told else ():  # each value, whatever the logging interval
                values = {f"search/{name}": value for name, value in told.items()}
                logger.log_metrics(values, self.trainer.global_step)
        super().on_train_batch_end(outputs, batch, batch_idx)

    def on_validation_start(self) -> None:
        """Before an evaluation of the phase `tune`, what the method does then."""
        super().on_validation_start()
        if self.phase == "tune":
            self.method.before_evaluation(self, self.trainer.global_step)

    def eligible(self) -> bool:
        """What is trained in the search is not yet the share that is asked for."""
        return self.phase != "search" and super().eligible()

    def facts(self) -> dict[str, Any]:
        """What else is recorded of a selected model: how much of the encoder is tuned, and its share of all of it."""
        if self.phase != self.last_phase:
            return super().facts()
        num_tuned = sum(value.numel() for value in self.encoder.parameters() if value.requires_grad)
        num_all = sum(value.numel() for name, value in frozen_tensors(self).items() if name.startswith("encoder."))
        return super().facts() | {"tuned": num_tuned, "tuned_share": num_tuned / num_all}

    # ---- checkpoints -----------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """After the dense phase, leave what is frozen to the dense checkpoint."""
        super().on_save_checkpoint(checkpoint)
        if self.phase != "dense":
            checkpoint["state_dict"] = leave_plain(checkpoint["state_dict"])
            leave_out(checkpoint, frozen_tensors(self))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put what is frozen back, and have the model shaped as it was."""
        complete(checkpoint, self.checkpoints / "last.ckpt")
        self.saved = checkpoint["state_dict"]
        super().on_load_checkpoint(checkpoint)
        self.saved = None
        checkpoint["state_dict"] = take_plain(checkpoint["state_dict"], self)
