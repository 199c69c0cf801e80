"""`SparseFinetuning`: a small part of the encoder's parameters is tuned, by one of several methods (Fu et al. 2023)."""

from collections.abc import Mapping

from lit_prune import phases
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training
from lit_prune.tuning.method import Method


class SparseFinetuning(Paradigm):
    """A phase `tune` that trains the heads and the part of the encoder that a method tunes, after its search if any.

        method = ChosenEntries(GradientCriterion(num_batches=100), share=0.005)
        fit(encoder, data, partial(SparseFinetuning, tune=Training("3 epochs"), loss=CrossEntropy(), method=method))

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head, which is trained whole.
        tune: Length, optimizer and learning rates of the phase.
        loss: Its loss, and that of the search.
        method: What is tuned: `lit_prune.tuning.ChosenEntries` (SAM, Random, MagPruning, BitFit), `ChildPruning`,
            `DiffPruning`, `Mixout`, `ChildTuningFree`, `Lora`, `Adapter`.
        search: Length, optimizer and learning rates of the phase `search`, of the methods that have one.
        dense: Length, optimizer and learning rates of a preceding dense phase, or None for no such phase.
        dense_loss: The loss of the dense phase. If None, cross-entropy.
        start_from: A run's folder or a checkpoint to take the dense model from. If None, the pretrained encoder. Of a
            pruned run its `checkpoints/best.ckpt`: what is pruned stays so, and what a matrix kept of its ranks is
            there as two matrices, each of which is tuned. A model of other tasks gives its encoder
            (intermediate-task training, Phang et al. 2018); the heads are fresh.
        teacher: The model that teaches, for losses that need one; see `Paradigm`. If None, the dense model.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        tune: Training,
        loss: Loss,
        method: Method,
        search: Training | None = None,
        dense: Training | None = None,
        dense_loss: Loss | None = None,
        start_from: str | None = None,
        teacher: str | None = None,
    ) -> None:
        if (search is not None) != method.searches:
            raise UserError(
                f"search must be set for {type(method).__name__}, got none: give the phase `search` a length"
                if method.searches
                else f"search must be left out for {type(method).__name__}, got a phase: it has nothing to search"
            )
        listed: dict[str, Phase] = {"dense": phases.FineTune(dense or Training(steps=0), dense_loss)}
        if search is not None:
            listed["search"] = phases.Search(search, method, loss)
        listed["tune"] = phases.SparseTune(tune, method, loss)
        super().__init__(encoder, tasks, listed, start_from, teacher)
