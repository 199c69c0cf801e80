"""Sparsity curves in TensorBoard, on the optimizer step."""

from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard import SummaryWriter

from lit_prune.paradigms.paradigm import Paradigm
from lit_prune.sparsity.count import by_target, total
from lit_prune.sparsity.install import learned_masks

# The metrics that are curves, beside the shares predicted: the main ones of each kind of task.
CURVES = {
    *("accuracy", "auroc", "f1", "f1_macro", "f1_weighted", "mean_f1_accuracy", "matthews"),
    *("pearson", "spearman", "mean_correlation"),
    *("exact_match", "loss", "macro"),
}


class SparsityCurves(Callback):
    """Logs what refreshes of the masks found, one at most for each logging interval, and each evaluation.

    Tags: `sparsity/total`, `sparsity/target/<target>`, `sparsity/layer/<layer>`, `threshold/<layer>`,
    `mask/flipped` (share of entries that changed since the last refresh), histograms `scores/<layer>`, the metrics
    `<task>/<split>/<metric>` and, of several tasks, their `macro`, and `selection`, the value that picks the best model
    (NaN while none may be picked).
    """

    def __init__(self) -> None:
        self.last_step = -1

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Paradigm, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """The learning rate at the logging interval."""
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            self._log(trainer, {"train/learning_rate": rate})

    def on_train_batch_start(self, trainer: Trainer, pl_module: Paradigm, batch: Any, batch_idx: int) -> None:
        """The refresh that the step before ended with (the module's own hooks run after callbacks')."""
        refreshed, interval = pl_module.refreshed, trainer.log_every_n_steps  # type: ignore[attr-defined]
        if refreshed is not None and refreshed.step // interval != self.last_step // interval:
            self._log_refresh(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: Paradigm) -> None:
        """Metrics of the evaluated model, beside its sparsity."""
        if trainer.sanity_checking:
            return
        self._log_refresh(trainer, pl_module)
        values = {name: value for name, value in pl_module.values.items() if _is_curve(name)}
        self._log(trainer, values | {"selection": float(trainer.callback_metrics["selection"])})
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                writer: SummaryWriter = logger.experiment
                for name, mask in learned_masks(pl_module).items():  # not at every refresh: it takes a second
                    writer.add_histogram(f"scores/{name}", mask.scores.detach(), trainer.global_step)

    def _log_refresh(self, trainer: Trainer, pl_module: Paradigm) -> None:
        refreshed = pl_module.refreshed
        if refreshed is None or refreshed.step == self.last_step:
            return
        self.last_step = refreshed.step
        counts = pl_module.counts()
        values = {"sparsity/total": total(counts.values()).sparsity, "mask/flipped": refreshed.flipped}
        for target, each in by_target(counts, pl_module.matched).items():
            values[f"sparsity/target/{target}"] = each.sparsity
        for name, each in counts.items():
            values[f"sparsity/layer/{name}"] = each.sparsity
        for name, mask in learned_masks(pl_module).items():
            values[f"threshold/{name}"] = float(mask.threshold)
        self._log(trainer, values, refreshed.step)

    def _log(self, trainer: Trainer, values: dict[str, float], step: int | None = None) -> None:
        for logger in trainer.loggers:
            logger.log_metrics(values, trainer.global_step if step is None else step)


def _is_curve(name: str) -> bool:
    metric = name.rsplit("/", 1)[-1]
    return metric in CURVES or metric.startswith("predicted_share")
