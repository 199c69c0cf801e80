"""`SparseTune`: tune the heads and a small part of the encoder, by one of several methods (Fu et al. 2023)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from lit_prune.phases.batch_losses import batch_losses
from lit_prune.phases.network import head_names, settle, unfreeze
from lit_prune.phases.tuning import Tuning
from lit_prune.tuning.entries import frozen_tensors

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class SparseTune(Tuning):
    """Train the heads, and the part of the encoder that a method tunes.

    Args:
        training: Length, optimizer and learning rates.
        method: What is tuned: `lit_prune.tuning.ChosenEntries` (SAM, Random, MagPruning, BitFit), `ChildPruning`,
            `DiffPruning`, `Mixout`, `ChildTuningFree`, `Lora`, `Adapter`.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
    """

    def trained_names(self, run: "Paradigm") -> list[str]:
        """Return the names of the heads' parameters, and of those that the method tunes."""
        return [*head_names(run), *self.method.tuned_names(run)]

    def begin(self, run: "Paradigm") -> None:
        """Shape the network for tuning; a method that searched takes what it found."""
        if not self.method.searches:  # else what the search trained is still to be used
            settle(run)
            unfreeze(run)
        run.begin_loss()  # the method may compute gradients
        self.method.begin(run, lambda num_batches: batch_losses(run, num_batches), run.sum_processes)

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Shape the network for tuning as it was."""
        if run.phases.position > 1:
            super().restore(run, state)
        self.method.restore(run, state)

    def before_evaluation(self, run: "Paradigm") -> None:
        """Let the method act."""
        self.method.before_evaluation(run, run.trainer.global_step)

    def record(self, run: "Paradigm") -> dict[str, Any]:
        """Return the number of tuned entries of the encoder, and their share of all its entries."""
        num_tuned = sum(value.numel() for value in run.encoder.parameters() if value.requires_grad)
        num_all = sum(value.numel() for name, value in frozen_tensors(run).items() if name.startswith("encoder."))
        return {"tuned": num_tuned, "tuned_share": num_tuned / num_all}
