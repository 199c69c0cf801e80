"""`Masking`: a phase that puts masks over its targets."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.phases.network import cover
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.mask_kinds import MaskKind
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.schedules import Schedule
from lit_prune.sparsity.structures import Element, Rank, Structure
from lit_prune.sparsity.targets import match

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Masking(Phase):
    """A phase with a `LayerEngine` over its targets; its kinds say when the masks change.

    Args:
        training: Length, optimizer and learning rates.
        loss: The loss, of tasks without one of their own.
        criterion: How important an entry is.
        schedule: Sparsity over the phase.
        scope: Over what pool the sparsity holds: `local`, `global`, lists of targets, or an `Allocation`.
        targets: Names of the matrices to mask. If None, all of the encoder's family except `without`.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        without: Targets that are left out if `targets` is None.
        structure: The unit that is pruned. If None, single entries.
    """

    def __init__(
        self,
        training: Training,
        loss: Loss | None,
        criterion: Criterion,
        schedule: Schedule,
        scope: Scope,
        targets: list[str] | None,
        patterns: dict[str, str] | None,
        without: Sequence[str] = (),
        structure: Structure | None = None,
    ) -> None:
        super().__init__(training, loss)
        self.criterion = criterion
        self.schedule = schedule
        self.scope = scope
        self.targets = targets
        self.patterns = patterns
        self.without = without
        self.structure = structure or Element()
        self.pruner: LayerEngine
        self.matched: dict[str, list[str]] = {}

    def mask_kind(self, run: "Paradigm") -> MaskKind | None:
        """Return the kind of masks, or None for that which the criterion needs."""
        return None

    def prepare(self, run: "Paradigm") -> None:
        """Match the targets."""
        matched = match(run, run.encoder.model_type, self.targets, self.patterns, self.without)
        self.matched = self.structure.layers(run, matched)
        self.pruner = LayerEngine(
            self.matched,
            self.criterion,
            self.schedule,
            structure=self.structure,
            scope=self.scope,
            masks=self.mask_kind(run),
        )

    def statistics(self, run: "Paradigm") -> dict[str, Tensor]:
        """Return what the criterion collected or drew."""
        return self.criterion.state_dict()

    def resume(self, run: "Paradigm", statistics: Mapping[str, Tensor]) -> None:
        """Restore what the criterion collected or drew."""
        self.criterion.load_state_dict(statistics)

    def _check_not_below(self, name: str, before: Mapping[str, Phase]) -> None:
        """Check that a pruning for good has at least the sparsity of those before it, of the same targets.

        Raises:
            UserError: it has less.
        """
        for earlier, phase in before.items():
            if not isinstance(phase, Masking) or (phase.targets, phase.patterns) != (self.targets, self.patterns):
                continue
            if (least := phase.schedule.final) > self.schedule.final:
                raise UserError(
                    f"sparsity of the phase {name!r} must be at least {least}, that of {earlier!r} before it, got "
                    f"{self.schedule.final}: pruned entries stay pruned, raise it"
                )

    @staticmethod
    def _check_rewindable(name: str, before: Mapping[str, Phase]) -> None:
        """Check that the weights that the run began with fit a network that phases have changed.

        Raises:
            UserError: they pruned it by rank.
        """
        for earlier, phase in before.items():
            if isinstance(phase, Masking) and isinstance(phase.structure, Rank):
                raise UserError(
                    f"structure of the phase {earlier!r} must be Element before {name!r}, which rewinds weights, got "
                    "Rank: factors have no earlier values; prune entries, or fine-tune instead"
                )

    def _prepare_again(self, run: "Paradigm") -> None:
        """Match the targets anew where a phase between may have changed the layers."""
        if run.phases.position > 1:
            self.prepare(run)

    def _attach(self, run: "Paradigm") -> None:
        """Put masks over the targets."""
        self.pruner.attach(run)
        cover(run, self.matched)
