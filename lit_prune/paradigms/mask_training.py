"""`MaskTraining`: nothing is trained but masks over frozen weights (Liu et al. 2022, section 4.4, Fig. 5 and 7)."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from lit_prune.checkpoints import complete, digest, leave_out
from lit_prune.data.task import Task
from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.from_dense import FromDense
from lit_prune.paradigms.phase import Phase
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import LearnedMask, Refreshed, flipped, refresh
from lit_prune.sparsity.schedules import Schedule
from lit_prune.sparsity.select import check_scope
from lit_prune.sparsity.targets import layers_in, match


class MaskTraining(FromDense):
    """A mask phase that trains nothing but the scores of masks over frozen weights: the pretrained, or given ones.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head, which stays as it is drawn where none is given.
        mask: Length and rates of the mask phase.
        loss: The loss of the mask phase.
        initial_scores: Where the scores start: `Magnitude` (soft) or `HardMagnitude`.
        schedule: Sparsity over the mask phase.
        start_from: A run's folder or a checkpoint to take the weights from, None: the pretrained encoder.
        scope: Whether the sparsity holds in each matrix (`local`) or over all of them (`global`).
        refresh_every: Optimizer steps between two refreshes of the thresholds; before every evaluation there is one
            more, so that what is evaluated has exactly the scheduled sparsity.
        targets: Names of the matrices to mask, None: all that the encoder's family has but the embeddings, as SRNets.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        dense: Length and rates of a dense phase before, None: there is none.
        dense_loss: The loss of the dense phase, None: cross-entropy.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        mask: Phase,
        loss: Loss,
        initial_scores: Criterion,
        schedule: Schedule,
        start_from: str | None = None,
        scope: str = "local",
        refresh_every: int = 50,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
    ) -> None:
        super().__init__(encoder, tasks, dense, dense_loss, start_from)
        if refresh_every < 1:
            raise UserError(f"refresh_every is {refresh_every}, needed is 1 or more optimizer steps")
        self.add_phase("mask", mask.as_last("mask"), loss)
        self.initial_scores = initial_scores
        self.schedule = schedule
        self.scope = check_scope(scope)
        self.refresh_every = refresh_every
        self._kept: dict[str, Tensor] = {}  # as the last refresh left them
        self.matched = match(self, encoder.model_type, targets, patterns)

    # ---- phases ----------------------------------------------------------------------------------------------------

    def load_start(self, phase: str) -> None:
        """The mask phase starts from the best model of the dense phase."""
        if phase == "mask" and self.ends["dense"] > 0:
            self.load_dense()

    def enter(self, phase: str) -> None:
        """The mask phase: freeze everything, then put masks over the targets."""
        if phase == "mask":
            self.requires_grad_(False)
            install(self, layers_in(self.matched), self._mask)

    def start_phase(self, phase: str) -> None:
        """Begin a phase; the mask phase at its initial sparsity."""
        super().start_phase(phase)
        if phase == "mask":
            self._refresh()

    def _mask(self, name: str, linear: nn.Linear) -> LearnedMask:
        return LearnedMask(self.initial_scores(linear.weight, self.schedule(0.0)))

    # ---- thresholds ------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self.refreshed is not None and self.refreshed.step == self.trainer.global_step:
            return  # an evaluation right after a refresh: the scores have not moved
        before = self._kept or self.masks()
        refresh(self.learned_masks(), self.schedule(self.progress), self.scope)
        self._kept = self.masks()
        self.refreshed = Refreshed(self.trainer.global_step, flipped(before, self._kept))

    def on_train_start(self) -> None:
        """A resumed run counts flips from the masks it was cut off with, which were fresh."""
        super().on_train_start()
        self._kept = self.masks()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Refresh the thresholds every `refresh_every` steps of the mask phase."""
        super().on_train_batch_end(outputs, batch, batch_idx)
        if self.phase == "mask" and (self.trainer.global_step - self.span("mask")[0]) % self.refresh_every == 0:
            self._refresh()

    def on_validation_start(self) -> None:
        """Bring the sparsity to its scheduled value, exactly."""
        super().on_validation_start()
        if self.phase == "mask":
            self._refresh()

    # ---- selection -------------------------------------------------------------------------------------------------

    def eligible(self) -> bool:
        """In the mask phase only at the final sparsity."""
        if self.phase == "mask":
            return super().eligible() and math.isclose(self.schedule(self.progress), self.schedule.final)
        return super().eligible()

    # ---- checkpoints -----------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """In the mask phase, leave the frozen weights to the dense checkpoint."""
        super().on_save_checkpoint(checkpoint)
        if self.phase == "mask":
            frozen = {name: value for name, value in self.named_parameters() if not value.requires_grad}
            leave_out(checkpoint, frozen, digest(frozen))  # each time: a weight that moved would be found out

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the frozen weights back."""
        complete(checkpoint, self.checkpoints / "last.ckpt")
        super().on_load_checkpoint(checkpoint)
