"""`PruneCallback`: prune a model that `transformers.Trainer` trains."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.pruned_training import PrunedTraining, ScoreOptimizer, check_interval, unscale
from lit_prune.sparsity.pruner import Pruner
from lit_prune.sparsity.schedules import Schedule

_FILE = "pruning.pt"  # beside the model in a checkpoint's folder


class PruneCallback(TrainerCallback):  # type: ignore[misc]
    """Prune a model's weights by a schedule over its training; its class, optimizer and files stay the user's own.

    Checkpoints and the saved model have the masked weights under the model's own keys: `from_pretrained` reads the
    pruned model without this package. `pruning.pt` in a checkpoint's folder has what a resumed training needs.

        Trainer(model, args, train_dataset=rows, callbacks=[PruneCallback(0.8, skip=["classifier"])]).train()

    Args:
        sparsity: Fraction of the entries to remove in the end, in [0, 1).
        criterion: A name or a `Criterion`; see `lit_prune.Pruner`.
        schedule: Sparsity over the optimizer steps. If None, from 0, cubic until 80% of the training.
        scope: `global`: the sparsity of all weights together; `local`: of each.
        targets: Patterns of parameters or modules to prune. If None, all linear, convolutional and attention weights.
        skip: Patterns of those to leave out.
        score_optimizer: Makes the optimizer of the scores. If None, AdamW at a rate of 0.01 without weight decay.
        every_n_steps: Optimizer steps between two updates of the masks.
        finalize: Set pruned entries to 0 for good after the training; else the model stays under its masks.

    Raises:
        UserError: a setting is wrong; when training begins, nothing can be pruned, or the arguments of the Trainer do
            not fit.
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
        self._training = partial(PrunedTraining, score_optimizer=score_optimizer, every_n_steps=every_n_steps)
        self.finalizes = finalize
        self.training: PrunedTraining | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Put masks on the model, and follow its optimizer from where a checkpoint was written."""
        if args.load_best_model_at_end:
            raise UserError(
                "load_best_model_at_end must be False, got True: an earlier checkpoint has another sparsity"
            )
        if args.fsdp or args.deepspeed:
            raise UserError(
                "fsdp and deepspeed must be unset, got one of them: no process has whole weights to prune, use DDP"
            )
        self.training = self._training(self._pruner(kwargs["model"]))
        if state.global_step:
            path = _folder(args, state) / _FILE
            if not path.is_file():
                raise UserError(f"{path} must exist for a resumed training, got no file: start the training anew")
            self.training.load_state_dict(torch.load(path, weights_only=True))
        optimizer = kwargs["optimizer"]
        scaler, clip = getattr(optimizer, "scaler", None), args.max_grad_norm

        def prepare(scores: list[nn.Parameter]) -> None:
            unscale(scores, scaler)
            if clip:
                nn.utils.clip_grad_norm_(scores, clip)

        self.training.begin(state.max_steps, [getattr(optimizer, "optimizer", optimizer)], prepare)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Clear the gradients of the scores, also where a step was skipped."""
        assert self.training is not None
        self.training.skip_step()

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Add the sparsity of the prunable entries, and of all parameters, to the log of a step."""
        if self.training is not None and "loss" in kwargs["logs"]:
            for log in (kwargs["logs"], state.log_history[-1]):
                log.update(self.training.sparsities())

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write what a resumed training needs beside the model."""
        if self.training is not None and state.is_world_process_zero:
            torch.save(self.training.state_dict(), _folder(args, state) / _FILE)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Mask the weights that the training ended with."""
        if self.training is not None:
            self.training.end(self.finalizes)
            self.training = None if self.finalizes else self.training


def _folder(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"
