"""The settings of one phase of a run: how long, how fast, and which of its evaluations may be selected."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from transformers import get_linear_schedule_with_warmup

from lit_prune.errors import UserError

LARGEST_RATE = 1e3  # a learning rate above it is a slip


@dataclass
class Phase:
    """One phase: a fresh optimizer (AdamW) under linear warm-up and linear decay to zero.

    Attributes:
        epochs: Length in passes over the training set; fractions are allowed. Give this or `steps`.
        steps: Length in optimizer steps; 0: the phase is left out.
        learning_rate: The peak.
        weight_decay: Decoupled weight decay of matrices; biases and LayerNorms have none.
        warmup: Optimizer steps of the linear warm-up, or their share of the phase when below 1.
        select_after: Share of the phase before which no evaluation is eligible as the best.
        decay_over: The decay reaches zero after so many times the phase's length, None: at its end. A phase that is
            the first half of a longer one has 2.
        learning_rates: Peaks of parameters by name pattern, as `*.mask.scores`, which have no weight decay; None: all
            parameters have `learning_rate`.
    """

    epochs: float | None = None
    steps: int | None = None
    learning_rate: float = 2e-5
    weight_decay: float = 0.0
    warmup: float = 0.1
    select_after: float = 0.0
    decay_over: float | None = None
    learning_rates: dict[str, float] | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise UserError(f"a phase needs either epochs or steps, got epochs={self.epochs} and steps={self.steps}")
        rates = {"learning_rate": self.learning_rate}
        rates |= {f"learning_rates of {pattern!r}": rate for pattern, rate in (self.learning_rates or {}).items()}
        for name, rate in rates.items():
            _check(name, rate, 0 < rate <= LARGEST_RATE, f"above 0 and at most {LARGEST_RATE:g}", "try 2e-5")
        for name in ("epochs", "decay_over"):
            if (value := getattr(self, name)) is not None:
                _check(name, value, 0 < value < math.inf, "above 0 and finite", "it may be a fraction")
        if self.steps is not None:
            _check("steps", self.steps, self.steps >= 0, "from 0 on", "0 leaves the phase out")
        _check("weight_decay", self.weight_decay, 0 <= self.weight_decay < math.inf, "from 0 on", "0 decays nothing")
        is_number = self.warmup in (0.0, 1.0) or (
            0 < self.warmup < math.inf and (self.warmup < 1 or self.warmup % 1 == 0)
        )
        _check("warmup", self.warmup, is_number, "a share below 1 or a whole number of steps", "a tenth is 0.1")
        _check("select_after", self.select_after, 0 <= self.select_after <= 1, "from 0 to 1", "it is a share")

    def as_last(self, name: str) -> Self:
        """The phase, which a run under this name is to end with.

        Raises:
            UserError: it has no step.
        """
        if self.steps == 0:
            raise UserError(f"the last phase, {name!r}, has no step: give it steps or epochs above 0")
        return self

    def num_steps(self, steps_per_epoch: float) -> int:
        """Length in optimizer steps."""
        return self.steps if self.steps is not None else max(1, round((self.epochs or 0) * steps_per_epoch))

    def names_by_pattern(self, trained: Iterable[str]) -> dict[str, list[str]]:
        """Return the parameters that each pattern of `learning_rates` names; what an earlier one names is taken.

        Args:
            trained: The names of the parameters that the phase trains.

        Raises:
            UserError: a pattern names none.
        """
        rest = list(trained)
        named: dict[str, list[str]] = {}
        for pattern in self.learning_rates or {}:
            named[pattern] = [name for name in rest if fnmatchcase(name, pattern)]
            if not named[pattern]:
                like = f"they are like {rest[-1]}" if rest else "there is none"
                raise UserError(
                    f"learning_rates of a phase must name parameters that it trains, got {pattern!r}: {like}"
                )
            rest = [name for name in rest if name not in named[pattern]]
        return named

    def optimizer(self, trained: Mapping[str, Tensor], fused: bool) -> Optimizer:
        """AdamW over parameters; no decay on vectors (biases, LayerNorm), nor on what has a learning rate of its own.

        Its groups have a `name`: a pattern of `learning_rates`, `matrices`, or `vectors`.

        Args:
            trained: The parameters by name.
            fused: One kernel for all: a third of the plain loop's time.

        Raises:
            UserError: a pattern of `learning_rates` matches none of them.
        """
        rest = dict(trained)
        groups: list[dict[str, Any]] = []
        for pattern, names in self.names_by_pattern(trained).items():
            params = [rest.pop(name) for name in names]
            rate = (self.learning_rates or {})[pattern]
            groups.append({"name": pattern, "params": params, "weight_decay": 0.0, "lr": rate})
        matrices = [value for value in rest.values() if value.ndim > 1]
        vectors = [value for value in rest.values() if value.ndim <= 1]
        groups.append({"name": "matrices", "params": matrices, "weight_decay": self.weight_decay})
        groups.append({"name": "vectors", "params": vectors, "weight_decay": 0.0})
        return AdamW([group for group in groups if group["params"]], lr=self.learning_rate, fused=fused)

    def schedule(self, optimizer: Optimizer, num_steps: int) -> LambdaLR:
        """Linear warm-up and decay over the phase, one step of it per optimizer step."""
        warmup = round(self.warmup * num_steps) if self.warmup < 1 else int(self.warmup)
        num_decay = round((self.decay_over or 1) * num_steps)
        schedule: LambdaLR = get_linear_schedule_with_warmup(optimizer, warmup, num_decay)
        return schedule


def _check(name: str, value: float, is_right: bool, constraint: str, remedy: str) -> None:
    if not is_right:
        raise UserError(f"{name} of a phase must be {constraint}, got {value}: {remedy}")


def clip(optimizer: Optimizer, value: float, by_value: bool) -> None:
    """Clip the gradients of all that an optimizer trains: their common norm, or each entry."""
    gradients = [each for group in optimizer.param_groups for each in group["params"]]
    (nn.utils.clip_grad_value_ if by_value else nn.utils.clip_grad_norm_)(gradients, value)


def lay_out(lengths: Mapping[str, int], max_steps: int) -> dict[str, int]:
    """The optimizer step at which each phase has ended.

    Args:
        lengths: Optimizer steps of each phase, in their order.
        max_steps: Where the run ends at the latest; not positive: nowhere.

    Raises:
        UserError: a phase would begin after the end.
    """
    ends: dict[str, int] = {}
    end = 0
    for name, length in lengths.items():
        start, end = end, end + length
        if max_steps > 0:
            end = min(end, max_steps)
            if start >= end and length:
                raise UserError(
                    f"trainer.max_steps={max_steps} leaves no step for the phase {name!r}, which begins at step "
                    f"{start}: raise it or shorten the phases before"
                )
        ends[name] = end
    return ends
