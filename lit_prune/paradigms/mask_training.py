"""`MaskTraining`: nothing is trained but masks over frozen weights (Liu et al. 2022, section 4.4, Fig. 5 and 7)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.losses import Loss
from lit_prune.paradigms.masking import Masking
from lit_prune.paradigms.phase import Phase
from lit_prune.runs.checkpoints import complete, leave_out
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.masks import LearnedMask
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Schedule
from lit_prune.tuning.entries import frozen_tensors


class MaskTraining(Masking):
    """A mask phase that trains nothing but the scores of masks over frozen weights: the pretrained, or given ones.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head, which stays as it is drawn where none is given.
        mask: Length and rates of the mask phase.
        loss: The loss of the mask phase.
        initial_scores: Where the scores start: `Magnitude` (soft) or `HardMagnitude`.
        schedule: Sparsity over the mask phase.
        start_from: A run's folder or a checkpoint to take the weights from, None: the pretrained encoder. Of
            a run pruned by rank its `checkpoints/best.ckpt`: what it pruned stays so, what it kept is pruned further.
        scope: Whether the sparsity holds in each matrix (`local`), over all of them (`global`), or in each of these
            lists of targets.
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
        scope: Scope = "local",
        refresh_every: int = 50,
        targets: list[str] | None = None,
        patterns: dict[str, str] | None = None,
        dense: Phase | None = None,
        dense_loss: Loss | None = None,
    ) -> None:
        super().__init__(
            encoder,
            tasks,
            "mask",
            mask,
            loss,
            schedule,
            scope,
            refresh_every,
            targets,
            patterns,
            dense=dense,
            dense_loss=dense_loss,
            start_from=start_from,
        )
        self.initial_scores = initial_scores

    def trained_names(self, phase: str) -> list[str]:
        """Return the names of the model's parameters that a phase trains; the mask phase, the scores."""
        return self.score_names() if phase == "mask" else super().trained_names(phase)

    def enter(self, phase: str) -> None:
        """The mask phase: freeze everything, then put masks over the targets."""
        if phase == "mask":
            self.requires_grad_(False)
        super().enter(phase)

    def make_mask(self, name: str, masked: Tensor) -> LearnedMask:
        """Scores to begin with, by the weight."""
        return LearnedMask(self.initial_scores(masked, self.schedule(0.0)))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """In the mask phase, leave the frozen weights to the dense checkpoint."""
        super().on_save_checkpoint(checkpoint)
        if self.is_masking:
            leave_out(checkpoint, frozen_tensors(self))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the frozen weights back."""
        complete(checkpoint, self.checkpoints / "last.ckpt")
        super().on_load_checkpoint(checkpoint)
