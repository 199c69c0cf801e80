"""`ImpRounds`: how often iterative pruning prunes, and how much each time (Han et al. 2015; Frankle & Carbin 2019)."""

import math
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from lightning.pytorch import Callback, LightningModule, Trainer

from lit_prune.errors import UserError
from lit_prune.phases.phase import Phase
from lit_prune.sparsity.schedules import Rounds
from lit_prune.sparsity.select import check_sparsity

ROUND = "round_"  # begins the names of the rounds


@runtime_checkable
class Rounded(Protocol):
    """The interface of a paradigm that can prune in rounds."""

    phases: Iterable[str]

    def make_round(self, sparsity: float) -> Phase:
        """Return a round of a sparsity."""

    def insert_phase(self, name: str, phase: Phase, before: str | None = None) -> None:
        """Add a phase; see `Paradigm`."""


class ImpRounds(Callback):
    """The rounds of `IterativePruning` or `LotteryTicket`: each prunes, trains and is evaluated.

    With `num_rounds` each round removes an equal number of the original weights (SRNets: 10, 20, ..., 90%). With
    `fraction` it removes that share of the remaining weights (20% in Frankle & Carbin 2019), and the last round the
    rest up to `final`.

    Args:
        final: Sparsity of the last round, in [0, 1).
        num_rounds: Number of rounds. None if `fraction` determines it.
        fraction: Share of the remaining weights that a round removes, in (0, 1).

    Raises:
        UserError: neither or both of `num_rounds` and `fraction` are set, or the rounds do not reach `final`.
    """

    def __init__(self, final: float, num_rounds: int | None = None, fraction: float | None = None) -> None:
        check_sparsity(final)
        if fraction is None:
            if num_rounds is None:
                raise UserError("ImpRounds must have num_rounds or fraction, got neither: set one")
            schedule = Rounds(num_rounds, final)
            self.sparsities = [schedule(number / num_rounds) for number in range(num_rounds)]
            return
        if not 0 < fraction < 1:
            raise UserError(f"fraction of ImpRounds must be above 0 and below 1, got {fraction}: a fifth is 0.2")
        needed = max(1, math.ceil(math.log(1 - final) / math.log(1 - fraction) - 1e-9))
        if num_rounds is not None and num_rounds != needed:
            raise UserError(
                f"num_rounds of ImpRounds must be {needed} to reach final={final} by fraction={fraction}, got "
                f"{num_rounds}, which end at {1 - (1 - fraction) ** num_rounds:.3f}: leave num_rounds or fraction out"
            )
        self.sparsities = [1 - (1 - fraction) ** number for number in range(1, needed)] + [final]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Insert the rounds before the paradigm counts its steps.

        Raises:
            UserError: the paradigm has no rounds, or has them already.
        """
        if not isinstance(pl_module, Rounded):
            raise UserError(
                f"model must be IterativePruning or LotteryTicket for ImpRounds, got {type(pl_module).__name__}: "
                "change it, or remove ImpRounds from trainer.callbacks"
            )
        if stage != "fit":
            return
        if (first := f"{ROUND}1") in pl_module.phases:
            raise UserError(f"ImpRounds must be in trainer.callbacks once, got {first} already: remove one")
        after_base = next(iter(list(pl_module.phases)[1:]), None)
        for number, sparsity in enumerate(self.sparsities, start=1):
            pl_module.insert_phase(f"{ROUND}{number}", pl_module.make_round(sparsity), before=after_base)
