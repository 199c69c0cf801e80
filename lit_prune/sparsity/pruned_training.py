"""`PrunedTraining`: pruning by a schedule over the steps of a training, whoever runs its loop."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.pruner import Pruner
from lit_prune.sparsity.schedules import Schedule

ScoreOptimizer: TypeAlias = Callable[[Iterable[nn.Parameter]], Optimizer]
_SCORE_RATE = 1e-2


def adamw_of_scores(scores: Iterable[nn.Parameter]) -> Optimizer:
    """Return the default optimizer of scores: AdamW at a rate of 0.01 without weight decay."""
    return AdamW(scores, lr=_SCORE_RATE, weight_decay=0.0)


class PrunedTraining:
    """A `Pruner` that follows the steps of the optimizer that trains a network's weights.

    Args:
        model: The network.
        sparsity: See `Pruner`, as the next five.
        criterion: A name or a `Criterion`; the scores of one that accumulates are trained here.
        schedule: Sparsity over the optimizer steps.
        scope: `global`, `local`, or lists of parameters that share the sparsity.
        targets: Patterns of parameters or modules to prune.
        skip: Patterns of those to leave out.
        score_optimizer: Makes the optimizer of the scores, None: `adamw_of_scores`.
        every_n_steps: Optimizer steps between two updates of the masks.
        rewinds: Whether all parameters return to their first values whenever the sparsity rises, with a fresh optimizer
            state (Frankle & Carbin 2019).

    Raises:
        UserError: a setting is wrong, or nothing can be pruned.
    """

    def __init__(
        self,
        model: nn.Module,
        sparsity: float,
        *,
        criterion: str | Criterion = "magnitude",
        schedule: Schedule | None = None,
        scope: Scope = "global",
        targets: Sequence[str] | None = None,
        skip: Sequence[str] = (),
        score_optimizer: ScoreOptimizer | None = None,
        every_n_steps: int = 1,
        rewinds: bool = False,
    ) -> None:
        self.model = model
        self.pruner = Pruner(
            model, sparsity, criterion=criterion, schedule=schedule, scope=scope, targets=targets, skip=skip
        )
        self.engine = self.pruner.engine
        self.every_n_steps = every_n_steps
        self.total_steps = 1
        scores = list(self.pruner.score_parameters().values())
        self.scores = (score_optimizer or adamw_of_scores)(scores) if scores else None
        self.prepare_scores: Callable[[list[nn.Parameter]], None] = lambda scores: None
        self.initial: dict[str, Tensor] | None = None
        if rewinds:
            self.initial = {name: value.detach().cpu().clone() for name, value in model.named_parameters()}

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
        num_owners = sum(bool(masked & {id(each) for each in trained_by(optimizer)}) for optimizer in optimizers)
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
            self.prepare_scores(trained_by(self.scores))
            self.scores.step()
            self.scores.zero_grad()
        num_steps = self.engine.num_steps
        if num_steps % self.every_n_steps and num_steps < self.total_steps:
            return
        before = self.pruner.sparsity()
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
        num_pruned = sum(each.num_total - each.num_kept for each in self.engine.counts().values())
        return {"prune/sparsity": self.pruner.sparsity(), "prune/model_sparsity": num_pruned / num_all}

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
        """Mask the weights that the training ended with; for good if `finalize`."""
        self.engine.mask_again()
        self.engine.after_step = lambda optimizer: None
        if finalize:
            self.pruner.finalize()


def trained_by(optimizer: Optimizer) -> list[nn.Parameter]:
    """Return the parameters that an optimizer trains."""
    return [each for group in optimizer.param_groups for each in group["params"]]
