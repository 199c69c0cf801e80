"""`EndPhase`: the next phase begins as soon as training no longer pays (Liu et al. 2022, appendix E.1, Fig. 7)."""

from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback, Trainer

from lit_prune.errors import UserError

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class EndPhase(Callback):
    """An early end of a phase whose selection metric has stopped rising.

    `steps` and `steps_planned` in `metrics.json` show the steps that it saved.

    Args:
        phase: Name of the phase; another must come after it.
        patience: Number of evaluations in a row that do not improve on the best value by `min_improvement`.
        min_improvement: Improvement in units of the metric; .005 is half a point of accuracy.

    Raises:
        UserError: patience is below 1 or min_improvement below 0.
    """

    def __init__(self, phase: str = "dense", patience: int = 2, min_improvement: float = 0.005) -> None:
        if patience < 1 or not min_improvement >= 0:
            raise UserError(
                f"patience and min_improvement of EndPhase must be at least 1 and 0, got {patience} and "
                f"{min_improvement}: the defaults are 2 and 0.005"
            )
        self.phase = phase
        self.patience = patience
        self.min_improvement = min_improvement
        self.best = float("-inf")
        self.num_waited = 0

    def setup(self, trainer: Trainer, pl_module: "Paradigm", stage: str) -> None:
        """Check that the phase is there, and another after it."""
        names = list(pl_module.phases)
        if self.phase not in names[:-1]:
            raise UserError(f"unknown phase {self.phase!r} of EndPhase: choose from {', '.join(names[:-1]) or 'none'}")

    def on_validation_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Compare with the best before, and end the phase or wait."""
        selection = float(trainer.callback_metrics["selection"])
        if trainer.sanity_checking or pl_module.phase != self.phase or selection != selection:
            return
        self.num_waited = 0 if selection >= self.best + self.min_improvement else self.num_waited + 1
        self.best = max(self.best, selection)
        if self.num_waited == self.patience:
            pl_module.end_phase()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run compares with."""
        return {"best": self.best, "num_waited": self.num_waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.best, self.num_waited = state_dict["best"], state_dict["num_waited"]
