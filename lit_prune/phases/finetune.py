"""`FineTune`: train every weight of the network."""

from typing import TYPE_CHECKING

from lit_prune.phases.network import settle, unfreeze
from lit_prune.phases.phase import Phase

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class FineTune(Phase):
    """Train every weight; a pruned entry stays pruned.

    The best model of a run's first phase is its `dense.ckpt`. Without steps, or where the run starts from another
    one's model, that is the model that the run begins with.

    Args:
        training: Length, optimizer and learning rates.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
    """

    may_be_empty = True

    def num_steps(self, run: "Paradigm", steps_per_epoch: float) -> int:
        """Return the length in optimizer steps; 0 if the run starts from the model that the phase would train."""
        if run.start.path is not None and self is run.phases[run.phases.base]:
            return 0
        return super().num_steps(run, steps_per_epoch)

    def begin(self, run: "Paradigm") -> None:
        """Fix the masks of earlier phases, and train every weight."""
        settle(run)
        unfreeze(run)
