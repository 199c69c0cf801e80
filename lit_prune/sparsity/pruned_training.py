"""`PrunedTraining`: pruning by a schedule over the steps of a training, whoever runs its loop."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import AdamW, Optimizer

from lit_prune.errors import UserError
from lit_prune.sparsity.by_tensors import ids_trained_by
from lit_prune.sparsity.count import total
from lit_prune.sparsity.pruner import Pruner

ScoreOptimizer: TypeAlias = Callable[[Iterable[nn.Parameter]], Optimizer]
_SCORE_RATE = 1e-2


def adamw_of_scores(scores: Iterable[nn.Parameter]) -> Optimizer:
    """Return the default optimizer of scores: AdamW at a rate of 0.01 without weight decay."""
    return AdamW(scores, lr=_SCORE_RATE, weight_decay=0.0)


class PrunedTraining:
    """A `Pruner` that follows the steps of the optimizer that trains a network's weights.

    Args:
        pruner: The pruner, on the network; the scores of a criterion that accumulates are trained here.
        score_optimizer: Makes the optimizer of the scores. If None, `adamw_of_scores`.
        every_n_steps: Optimizer steps between two updates of the masks.
        rewinds: True if all parameters return to their first values whenever the sparsity rises, with a fresh optimizer
            state (Frankle & Carbin 2019).
    """

    def __init__(
        self,
        pruner: Pruner,
        score_optimizer: ScoreOptimizer | None = None,
        every_n_steps: int = 1,
        rewinds: bool = False,
    ) -> None:
        assert pruner.engine.root is not None
        self.model = pruner.engine.root
        self.pruner = pruner
        self.engine = pruner.engine
        self.every_n_steps = every_n_steps
        self.total_steps = 1
        scores = list(pruner.score_parameters().values())
        self.scores = (score_optimizer or adamw_of_scores)(scores) if scores else None
        self.prepare_scores: Callable[[list[nn.Parameter]], None] = lambda scores: None
        self.initial: dict[str, Tensor] | None = None
        if rewinds:
            self.initial = {name: value.detach().cpu().clone() for name, value in self.model.named_parameters()}

    def begin(
        self, total_steps: float, optimizers: Sequence[Optimizer], prepare_scores: Callable[[list[nn.Parameter]], None]
    ) -> None:
        """Follow the optimizer from here on.

        Args:
            total_steps: Its steps from the first to the last of the training.
            optimizers: Those of the training, one of which trains the weights to prune.
            prepare_scores: Called before each step of the scores' optimizer with the scores, to scale and clip their
                gradients as those of the weights are.

        Raises:
            UserError: the training has no end, or several optimizers, or none, train the weights.
        """
        masked = {id(each.parameter) for each in self.engine.tensors.values()}
        num_owners = sum(bool(masked & ids_trained_by(optimizer)) for optimizer in optimizers)
        if num_owners != 1:
            raise UserError(
                f"one optimizer must train the weights to prune, got {num_owners}: leave those of others out by skip"
            )
        if total_steps == float("inf"):
            raise UserError("the training must have an end to prune by, got none: set its number of epochs or steps")
        self.total_steps, self.prepare_scores = max(1, int(total_steps)), prepare_scores
        self.engine.after_step = self._after_step
        if not self.engine.num_steps:
            self.pruner.step(0, self.total_steps)

    def _after_step(self, optimizer: Optimizer) -> None:
        """Train the scores, and update the masks."""
        if self.scores is not None:
            self.prepare_scores(list(self.pruner.score_parameters().values()))
            self.scores.step()
            self.scores.zero_grad()
        num_steps = self.engine.num_steps
        if num_steps % self.every_n_steps and num_steps < self.total_steps:
            return
        before = 0.0 if self.initial is None else self.pruner.sparsity()
        self.pruner.step(num_steps, self.total_steps)
        if self.initial is not None and self.pruner.sparsity() > before and num_steps < self.total_steps:
            self._rewind(self.initial, optimizer)

    @torch.no_grad()
    def _rewind(self, initial: dict[str, Tensor], optimizer: Optimizer) -> None:
        for name, value in self.model.named_parameters():
            if name in self.engine.tensors:
                self.engine.replace(name, initial[name].to(value.device))
            else:
                value.copy_(initial[name])
        self.engine.hide()
        optimizer.state.clear()

    def skip_step(self) -> None:
        """Clear the gradients of the scores, where those of the weights are cleared without a step."""
        if self.scores is not None:
            self.scores.zero_grad()

    def sparsities(self) -> dict[str, float]:
        """Return the pruned fraction of the prunable entries, and of all parameters, under names for a log."""
        num_all = sum(each.numel() for each in self.model.parameters())
        prunable = total(self.engine.counts().values())
        num_pruned = prunable.num_total - prunable.num_kept
        return {"prune/sparsity": prunable.sparsity, "prune/model_sparsity": num_pruned / num_all}

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs beside the network's state dict."""
        scores = None if self.scores is None else self.scores.state_dict()
        return {"pruner": self.pruner.state_dict(), "scores": scores, "initial": self.initial}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set what `state_dict` returned, after the network's own state dict is loaded and before `begin`."""
        self.pruner.load_state_dict(state["pruner"])
        if self.initial is not None:
            self.initial = state["initial"]
        if self.scores is not None:
            self.scores.load_state_dict(state["scores"])

    def end(self, finalize: bool) -> None:
        """Mask the weights that the training ended with, for good if `finalize`; warn if it ended early."""
        num_steps = self.engine.num_steps
        if not self.engine.is_final(min(1.0, num_steps / self.total_steps)):
            warnings.warn(
                f"training ended after {num_steps} of {self.total_steps} optimizer steps, at a sparsity of "
                f"{self.pruner.sparsity():.3f} instead of {self.engine.schedule.final}",
                stacklevel=2,
            )
        self.engine.mask_again()
        self.engine.after_step = lambda optimizer: None
        if finalize:
            self.pruner.finalize()


def check_interval(every_n_steps: int) -> None:
    """Check the number of optimizer steps between two updates of the masks.

    Raises:
        UserError: it is not positive.
    """
    if every_n_steps < 1:
        raise UserError(f"every_n_steps must be positive, got {every_n_steps}: it counts optimizer steps")


def unscale(scores: Sequence[nn.Parameter], scaler: GradScaler | None) -> None:
    """Divide the gradients of scores by the scale of a loss, as its scaler does for the weights."""
    if scaler is not None:
        for each in scores:
            if each.grad is not None:
                each.grad /= scaler.get_scale()
