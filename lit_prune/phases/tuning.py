"""`Tuning`: a phase that trains the part of the encoder that a method selects (Fu et al. 2023)."""

from typing import TYPE_CHECKING

from lit_prune.losses import Loss
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training
from lit_prune.tuning.method import Method

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Tuning(Phase):
    """Train the heads, and what a method trains of the encoder.

    Args:
        training: Length, optimizer and learning rates.
        method: The method.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
    """

    starts_masked = True
    freezes_base = True

    def __init__(self, training: Training, method: Method, loss: Loss | None = None) -> None:
        super().__init__(training, loss)
        self.method = method

    def prepare(self, run: "Paradigm") -> None:
        """Check that the method can tune the network."""
        self.method.check(run)
