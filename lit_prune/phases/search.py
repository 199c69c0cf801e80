"""`Search`: find out which entries to tune, by training all of them first (Fu et al. 2023)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from lit_prune.phases.network import head_names, settle, unfreeze
from lit_prune.phases.tuning import Tuning

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Search(Tuning):
    """Train the heads, and what a method searches in; the phase `SparseTune` with the same method comes next.

    Args:
        training: Length, optimizer and learning rates.
        method: The method that searches.
        loss: The loss of tasks that have no loss of their own. If None, cross-entropy.
    """

    def trained_names(self, run: "Paradigm") -> list[str]:
        """Return the names of the heads' parameters, and of those that the search trains."""
        return [*head_names(run), *self.method.searched_names(run)]

    def begin(self, run: "Paradigm") -> None:
        """Shape the network for the search."""
        settle(run)
        unfreeze(run)
        self.method.begin_search(run)

    def restore(self, run: "Paradigm", state: Mapping[str, Tensor]) -> None:
        """Shape the network for the search as it was."""
        if run.phases.position > 1:
            super().restore(run, state)
        self.method.begin_search(run)

    def penalty(self, run: "Paradigm") -> Tensor | None:
        """Return what the search adds to the loss."""
        added = self.method.penalty(run)
        return added if isinstance(added, Tensor) else None

    def after_step(self, run: "Paradigm") -> None:
        """Let the method act, and log its figures, whatever the logging interval."""
        figures = self.method.after_search_step(run, run.step_of_phase)
        for logger in run.loggers if figures else ():
            values = {f"search/{name}": value for name, value in figures.items()}
            logger.log_metrics(values, run.trainer.global_step)

    def is_eligible(self, run: "Paradigm") -> bool:
        """False: the search trains more than the share that is set."""
        return False
