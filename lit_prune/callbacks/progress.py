"""Progress over all optimizer steps of a run, with the phase and the sparsity: a bar, or a line per evaluation."""

import math
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar

from lit_prune.sparsity.count import total

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class ProgressLines(Callback):
    """Prints a line per evaluation, for output into a file or pipe, where a bar would be many lines."""

    def on_validation_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Print phase, step, loss, selection metric and sparsity."""
        if trainer.is_global_zero and not trainer.sanity_checking:
            shown = (
                f"{name} {value if isinstance(value, str) else format(value, '.3f')}"
                for name, value in _values(trainer, pl_module).items()
            )
            print(f"{_position(trainer, pl_module)}: {', '.join(shown)}", flush=True)


class PhaseProgressBar(TQDMProgressBar):
    """Shows `<phase> <step of it>/<its length>` and the last evaluation, on one bar for the whole run."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=5)

    def on_train_start(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Show one bar for all phases."""
        super().on_train_start(trainer, pl_module)
        self.train_progress_bar.reset(max(pl_module.phases.ends.values()))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Keep the bar: epochs do not begin a new one."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: "Paradigm", outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar to the optimizer step."""
        step, bar = trainer.global_step, self.train_progress_bar
        if step % self.refresh_rate and step != bar.total:
            return
        bar.set_description(_position(trainer, pl_module), refresh=False)
        bar.set_postfix(self.get_metrics(trainer, pl_module), refresh=False)
        bar.n = step
        bar.refresh()

    def get_metrics(self, trainer: Trainer, pl_module: "Paradigm") -> dict[str, Any]:
        """Return the values beside the bar."""
        return _values(trainer, pl_module)


def _position(trainer: Trainer, module: "Paradigm") -> str:
    """Return the phase, the step within it, and its length."""
    start, end = module.phases.span(module.phase)
    return f"{module.phase} {trainer.global_step - start}/{end - start}"


def _values(trainer: Trainer, module: "Paradigm") -> dict[str, Any]:
    """Return the loss, the selection metric (NaN, where no model may be selected, is left out) and the sparsity."""
    values: dict[str, Any] = {
        name: value for name, value in trainer.progress_bar_metrics.items() if not math.isnan(value)
    }
    counts = module.counts()
    if counts:
        values["sparsity"] = f"{total(counts.values()).sparsity:.3f}"
    return values
