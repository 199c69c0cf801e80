"""Curves of sparsity, losses, learning rates and metrics in TensorBoard, on the optimizer step."""

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from lit_prune.sparsity.count import by_target, total
from lit_prune.sparsity.install import learned_masks

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class SparsityCurves(Callback):
    """Logs refreshes of the masks, one at most for each logging interval, losses and learning rates, and evaluations.

    Tags: `train/loss/<task>` of several tasks, the mean over a task's steps since the last one logged;
    `train/learning_rate`, or `train/learning_rate/<group>` where groups of parameters have different ones (see
    `Phase.optimizer`); `sparsity/total`, `sparsity/target/<target>`, `sparsity/layer/<layer>`, `threshold/<layer>`,
    `mask/flipped` (share of entries that changed since the last refresh), histograms `scores/<layer>`, the metrics
    `<task>/<split>/<metric>` and, of several tasks, their `macro`, and `selection`, the value that picks the best model
    (no point while none may be picked).
    """

    def __init__(self) -> None:
        self.last_step = -1  # of a logged refresh
        self.logged_step = 0  # of logged losses and learning rates
        self.losses: dict[str, list[Tensor]] = {}  # of each task, since then

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: "Paradigm", outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log the learning rates and the tasks' losses at the logging interval."""
        if len(pl_module.tasks) > 1:
            loss = outputs["loss"] * trainer.accumulate_grad_batches  # of which Lightning gives a part
            self.losses.setdefault(batch.task, []).append(loss)
        step, interval = trainer.global_step, trainer.log_every_n_steps  # type: ignore[attr-defined]
        if step % interval == 0 and step != self.logged_step:
            self.logged_step = step
            means = {f"train/loss/{task}": float(torch.stack(losses).mean()) for task, losses in self.losses.items()}
            self.losses.clear()
            self._log(trainer, learning_rates(trainer.optimizers[0]) | means)

    def on_train_batch_start(self, trainer: Trainer, pl_module: "Paradigm", batch: Any, batch_idx: int) -> None:
        """Log the update of the masks that the step before ended with (the module's hooks run after callbacks')."""
        refreshed, interval = pl_module.refreshed, trainer.log_every_n_steps  # type: ignore[attr-defined]
        if refreshed is not None and refreshed.step // interval != self.last_step // interval:
            self._log_refresh(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Log the metrics of the evaluated model, and its sparsity."""
        if trainer.sanity_checking:
            return
        self._log_refresh(trainer, pl_module)
        kinds = [task.set_class for task in pl_module.tasks.values()]
        shown = {name for kind in kinds for name in (*kind.whole_metrics, *kind.error_metrics, "macro")}
        values = {name: value for name, value in pl_module.selection.values.items() if _is_curve(name, shown)}
        selection = float(trainer.callback_metrics["selection"])
        self._log(trainer, values | ({} if math.isnan(selection) else {"selection": selection}))
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                writer: SummaryWriter = logger.experiment
                for name, mask in learned_masks(pl_module).items():  # not at every refresh: it takes a second
                    writer.add_histogram(f"scores/{name}", mask.scores.detach(), trainer.global_step)

    def _log_refresh(self, trainer: Trainer, pl_module: "Paradigm") -> None:
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


def learning_rates(optimizer: Optimizer) -> dict[str, float]:
    """Return an optimizer's learning rates by tag: one where all groups of parameters have the same peak, else each."""
    groups = optimizer.param_groups
    if len({group["initial_lr"] for group in groups}) == 1:
        return {"train/learning_rate": groups[0]["lr"]}
    # An optimizer that was saved by version 0.1.0 has groups without names.
    return {f"train/learning_rate/{group.get('name', number)}": group["lr"] for number, group in enumerate(groups)}


def _is_curve(name: str, shown: Collection[str]) -> bool:
    metric = name.rsplit("/", 1)[-1]
    return metric in shown or metric.startswith("predicted_share")
