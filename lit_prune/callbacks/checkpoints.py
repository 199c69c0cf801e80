"""Checkpoints of a run: the best model of each phase, and the last state to resume from."""

from typing import TYPE_CHECKING

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Checkpoint

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Checkpoints(Checkpoint):
    """Write `checkpoints/<phase>.ckpt` when a phase has a new best model, and `last.ckpt` after every evaluation.

    The best of the last phase is `best.ckpt`. The paradigm's `selection` compares evaluations; it is part of the
    checkpoints, so that a resumed run compares with the best value so far.
    """

    def on_validation_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Save the best first: a run that is cut off between the two evaluates again and finds the same."""
        if trainer.sanity_checking:
            return
        folder = pl_module.folder / "checkpoints"
        if pl_module.selection.improved:
            trainer.save_checkpoint(pl_module.checkpoint_of(pl_module.phase), weights_only=True)
        trainer.save_checkpoint(folder / "last.ckpt", weights_only=False)
