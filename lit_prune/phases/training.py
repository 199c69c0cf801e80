"""How a phase trains: its length, optimizer and learning rates, and which of its evaluations may be selected."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lit_prune.errors import UserError
from lit_prune.phases.eligibility import Always, Eligibility
from lit_prune.phases.lr_schedules import LearningRateSchedule, LinearDecay, check_warmup

_WARMUP = 0.1  # unless it is set
LARGEST_RATE = 1e3  # a learning rate or weight decay above it is a slip
_MOST_STEPS = 10**9
_LENGTH = re.compile(r"\s*(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*(epoch|step)s?\s*")


@dataclass
class Training:
    """The settings of a phase; each phase has a fresh optimizer.

        Training("3 epochs", learning_rate=1e-4, weight_decay=0.01)

    Attributes:
        length: `<number> epochs`, passes over the training set of which fractions are allowed, or `<number> steps`,
            optimizer steps; 0 steps leave the phase out.
        learning_rate: The peak.
        weight_decay: Decoupled weight decay of matrices; biases and LayerNorms have none.
        warmup: Optimizer steps of the linear warm-up, or their share of the phase when below 1; of the default
            `lr_schedule`, others have their own.
        learning_rates: Peaks of parameters by name pattern, as `*.mask.scores`, which have no weight decay. If None,
            all parameters have `learning_rate`.
        optimizer: Class path of a `torch.optim.Optimizer` and its arguments. If None, AdamW, fused.
        lr_schedule: Learning rate over the phase. If None, linear warm-up, then linear decay to zero.
        eligible: Which evaluations may be selected as the phase's best. If None, all.
        epochs: Alias of `length` in epochs.
        steps: Alias of `length` in steps.
    """

    length: str | None = None
    learning_rate: float = 2e-5
    weight_decay: float = 0.0
    warmup: float = _WARMUP
    learning_rates: dict[str, float] | None = None
    optimizer: Callable[[Iterable[Any]], Optimizer] | None = None
    lr_schedule: LearningRateSchedule | None = None
    eligible: Eligibility | None = None
    epochs: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        self._read_length()
        rates = {"learning_rate": self.learning_rate}
        rates |= {f"learning_rates of {pattern!r}": rate for pattern, rate in (self.learning_rates or {}).items()}
        for name, rate in rates.items():
            _check(name, rate, 0 < rate <= LARGEST_RATE, f"above 0 and at most {LARGEST_RATE:g}", "try 2e-5")
        if self.epochs is not None:
            _check("epochs", self.epochs, 0 < self.epochs < math.inf, "above 0 and finite", "it may be a fraction")
        if self.steps is not None:
            is_number = 0 <= self.steps <= _MOST_STEPS
            _check("steps", self.steps, is_number, f"from 0 to {_MOST_STEPS:,}", "0 leaves the phase out")
        is_decay = 0 <= self.weight_decay <= LARGEST_RATE
        _check("weight_decay", self.weight_decay, is_decay, f"from 0 to {LARGEST_RATE:g}", "0 decays nothing")
        check_warmup(self.warmup)
        if self.lr_schedule is not None and self.warmup != _WARMUP:
            raise UserError(
                f"warmup of a phase must be unset beside lr_schedule, got {self.warmup}: set that of the lr_schedule"
            )

    def _read_length(self) -> None:
        given = [name for name in ("length", "epochs", "steps") if getattr(self, name) is not None]
        if len(given) != 1:
            raise UserError(
                f"a phase must have one length, got epochs={self.epochs}, steps={self.steps} and length={self.length}: "
                "give length alone, as 3 epochs or 600 steps"
            )
        if self.length is None:
            return
        found = _LENGTH.fullmatch(self.length)
        number = math.nan if found is None else float(found[1])
        if found is None or (found[2] == "step" and number % 1):
            raise UserError(f"length of a phase must be as 3 epochs or 600 steps, got {self.length!r}: correct it")
        if found[2] == "epoch":
            self.epochs = number
        else:
            self.steps = int(number)

    def num_steps(self, steps_per_epoch: float) -> int:
        """Return the length in optimizer steps."""
        return self.steps if self.steps is not None else max(1, round((self.epochs or 0) * steps_per_epoch))

    @property
    def is_eligible(self) -> Eligibility:
        """The rule by which evaluations may be selected."""
        return self.eligible or Always()

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

    def make_optimizer(self, trained: Mapping[str, Tensor], fused: bool) -> Optimizer:
        """Return the optimizer; no decay on vectors (biases, LayerNorm), nor on parameters with a rate of their own.

        Its groups have a `name`: a pattern of `learning_rates`, `matrices`, or `vectors`.

        Args:
            trained: The parameters by name.
            fused: Whether AdamW is one kernel for all: a third of the plain loop's time.

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
        groups = [{"lr": self.learning_rate, **group} for group in groups if group["params"]]
        return AdamW(groups, fused=fused) if self.optimizer is None else self.optimizer(groups)

    def make_lr_schedule(self, optimizer: Optimizer, num_steps: int) -> LambdaLR:
        """Return the learning-rate schedule over a phase of `num_steps`, one step of it per optimizer step."""
        schedule = self.lr_schedule or LinearDecay(self.warmup)
        return LambdaLR(optimizer, partial(schedule, num_steps=num_steps))


def _check(name: str, value: float, is_right: bool, constraint: str, remedy: str) -> None:
    if not is_right:
        raise UserError(f"{name} of a phase must be {constraint}, got {value}: {remedy}")
