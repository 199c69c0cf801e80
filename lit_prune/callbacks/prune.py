"""`Prune`: prune any LightningModule while it trains."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.pruned_training import PrunedTraining, ScoreOptimizer, check_interval, unscale
from lit_prune.sparsity.pruner import Pruner
from lit_prune.sparsity.schedules import Schedule


class Prune(Callback):
    """Prune a module's weights by a schedule over its training; module, optimizers and state dict stay the user's own.

    Checkpoints have the masked weights under the module's own keys: `load_from_checkpoint` reads the pruned network
    without this package. What a resumed training needs lies in the callback's state. It logs `prune/sparsity`, of the
    entries that can be pruned, and `prune/model_sparsity`, of all parameters.

        Trainer(callbacks=[Prune(0.9, skip=["classifier"])], max_epochs=3).fit(model, data)

    Args:
        sparsity: Fraction of the entries to remove in the end, in [0, 1).
        criterion: A name or a `Criterion`; see `Pruner`. `movement` trains scores by an optimizer of their own.
        schedule: Sparsity over the optimizer steps of the training. If None, from 0, cubic until 80% of it; `Constant`
            prunes before the first step, `Rounds` several times.
        scope: `global`: the sparsity of all weights together; `local`: of each.
        targets: Patterns of parameters or modules to prune. If None, all linear, convolutional and attention weights.
        skip: Patterns of those to leave out.
        score_optimizer: Makes the optimizer of the scores. If None, AdamW at a rate of 0.01 without weight decay.
        every_n_steps: Optimizer steps between two updates of the masks.
        rewinds: True if all parameters return to their first values whenever the sparsity rises, with a fresh optimizer
            state (Frankle & Carbin 2019).
        finalize: Set pruned entries to 0 for good after the fit; else the module stays under its masks.

    Raises:
        UserError: a setting is wrong; in `fit`, nothing can be pruned, or the strategy, the number of steps or the
            optimizers do not fit.
    """

    def __init__(
        self,
        sparsity: float,
        *,
        criterion: str | Criterion = "magnitude",
        schedule: Schedule | None = None,
        scope: Scope = "global",
        targets: list[str] | None = None,
        skip: Iterable[str] = (),
        score_optimizer: ScoreOptimizer | None = None,
        every_n_steps: int = 1,
        rewinds: bool = False,
        finalize: bool = True,
    ) -> None:
        check_interval(every_n_steps)
        self._pruner = partial(
            Pruner,
            sparsity=sparsity,
            criterion=criterion,
            schedule=schedule,
            scope=scope,
            targets=targets,
            skip=tuple(skip),
        )
        self._training = partial(
            PrunedTraining, score_optimizer=score_optimizer, every_n_steps=every_n_steps, rewinds=rewinds
        )
        self.finalizes = finalize
        self.training: PrunedTraining | None = None
        self._saved: dict[str, Any] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check the strategy.

        Raises:
            UserError: it shards weights.
        """
        self._saved = {}
        if stage == "fit" and not isinstance(trainer.strategy, DDPStrategy | SingleDeviceStrategy):
            raise UserError(
                f"strategy must be ddp or that of one device, got {type(trainer.strategy).__name__}: with others no "
                "process has whole weights to prune"
            )

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Check that a checkpoint to resume from has the state of this callback.

        Raises:
            UserError: it has not.
        """
        is_resumed = trainer.state.fn == TrainerFn.FITTING and checkpoint["global_step"]
        if is_resumed and self.state_key not in checkpoint["callbacks"]:
            raise UserError(
                "ckpt_path must be a checkpoint with the state of Prune, got one without: load its weights into the "
                "module and start anew"
            )

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put masks on the module, and follow its optimizer from where a checkpoint was written.

        The module has its first weights by then: made in `configure_model`, read from a checkpoint, the same in all
        processes.
        """
        self.training = training = self.training or self._training(self._pruner(pl_module))
        for scores in training.pruner.score_parameters().values():
            scores.data = trainer.strategy.broadcast(scores.data).to(pl_module.device)
        if self._saved:
            training.load_state_dict(self._saved)
            self._saved = {}
        steps = trainer.estimated_stepping_batches / max(1, len(trainer.optimizers))
        training.begin(steps, trainer.optimizers, lambda scores: _scale_and_clip(trainer, scores))

    def on_before_zero_grad(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Clear the gradients of the scores with those of the weights: also those of a step that was skipped."""
        if self.training is not None:
            self.training.skip_step()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Log the sparsity of what can be pruned, and of all parameters."""
        every = max(1, trainer.log_every_n_steps)  # type: ignore[attr-defined]
        if self.training is not None and trainer.global_step % every == 0:
            pl_module.log_dict(self.training.sparsities())

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Mask what an averaging of weights has put in the place of the module's own."""
        if self.training is not None and batch_idx == dataloader_idx == 0:
            self.training.engine.mask_again()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs: masks, values of pruned entries, the scores' optimizer."""
        return {} if self.training is None else self.training.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Set what `state_dict` returned; in `on_fit_start` where the masks are put on the module then."""
        if self.training is None:
            self._saved = state_dict
        else:
            self.training.load_state_dict(state_dict)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Mask the weights in a checkpoint, whatever averaged them."""
        if self.training is None:
            return
        keeps = {id(each.parameter): each.mask.keep for each in self.training.engine.layers.values()}
        state = checkpoint["state_dict"]
        for name, parameter in pl_module.named_parameters(remove_duplicate=False):
            if id(parameter) in keeps and name in state:
                state[name] = state[name].masked_fill(~keeps[id(parameter)].to(state[name].device), 0)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Mask the weights that the training ended with."""
        if self.training is not None:
            self.training.end(self.finalizes)
            self.training = None if self.finalizes else self.training


def _scale_and_clip(trainer: Trainer, scores: list[nn.Parameter]) -> None:
    """Treat the gradients of scores as the Trainer does those of the weights."""
    precision, clip = trainer.precision_plugin, trainer.gradient_clip_val
    unscale(scores, precision.scaler if isinstance(precision, MixedPrecision) else None)
    if clip and trainer.gradient_clip_algorithm == "value":
        nn.utils.clip_grad_value_(scores, clip)
    elif clip:
        nn.utils.clip_grad_norm_(scores, clip)
