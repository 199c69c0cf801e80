"""`FineTune`: the dense reference."""

from collections.abc import Mapping

from lit_prune import phases
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.losses import Loss
from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.phases.training import Training


class FineTune(Paradigm):
    """Fine-tune every weight: the dense reference.

        fit(encoder, data, partial(FineTune, dense=Training("3 epochs")))

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        dense: Length, optimizer and learning rates.
        dense_loss: The loss of the phase. If None, cross-entropy.
        teacher: The model that teaches, for losses that need one; see `Paradigm`.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        dense: Training,
        dense_loss: Loss | None = None,
        teacher: str | None = None,
    ) -> None:
        super().__init__(encoder, tasks, {"dense": phases.FineTune(dense, dense_loss)}, teacher=teacher)
