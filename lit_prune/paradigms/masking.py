"""`Masking`: a phase whose masks are set anew as training goes on, along a schedule of sparsity."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from lit_prune.data.tasks.task import Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import Loss
from lit_prune.paradigms.from_dense import FromDense
from lit_prune.paradigms.phase import Phase
from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.install import install, masked_layers, masks_by_task
from lit_prune.sparsity.masks import Mask, Refreshed, ReversibleMask, flipped, refresh, set_anew
from lit_prune.sparsity.pools import Scope, pools
from lit_prune.sparsity.schedules import Schedule
from lit_prune.sparsity.structures import Element, Structure
from lit_prune.sparsity.targets import layers_in, match


class Masking(FromDense):
    """The last phase has masks over the targets, which are refreshed every so many steps and before every evaluation.

    Args:
        encoder: The encoder (linked on the command line).
        tasks: The tasks by name (linked): each gets a head.
        name: The phase's.
        phase: Its length and rates.
        loss: Its loss.
        schedule: Sparsity over the phase.
        scope: Over what pool the sparsity holds: `local`, `global`, or lists of targets.
        refresh_every: Optimizer steps between two refreshes.
        targets: Names of the matrices to mask, None: those that `match` takes.
        patterns: Name patterns of further targets, or of all for encoders that the package has no table for.
        without: Targets that are left out where none are named.
        structure: What of a matrix is kept or pruned as one, None: each element.
        **from_dense: As of `FromDense`.
    """

    def __init__(
        self,
        encoder: PrunableEncoder,
        tasks: Mapping[str, Task],
        name: str,
        phase: Phase,
        loss: Loss,
        schedule: Schedule,
        scope: Scope,
        refresh_every: int,
        targets: list[str] | None,
        patterns: dict[str, str] | None,
        without: Sequence[str] = (),
        structure: Structure | None = None,
        **from_dense: Any,
    ) -> None:
        super().__init__(encoder, tasks, **from_dense)
        if refresh_every < 1:
            raise UserError(f"refresh_every is {refresh_every}, needed is 1 or more optimizer steps")
        self.add_phase(name, phase.as_last(name), loss)
        self.schedule = schedule
        self.refresh_every = refresh_every
        self.structure = structure
        self._kept: dict[str, Tensor] = {}  # as the last refresh left them
        matched = match(self, encoder.model_type, targets, patterns, without)
        self.matched = (structure or Element()).layers(self, matched)
        self.pools = pools(scope, self.matched)

    def make_mask(self, name: str, masked: Tensor) -> Mask:
        """The mask of a layer, from the tensor that is masked; learned, or reversible."""
        raise NotImplementedError

    def scores(self, masked: Tensor) -> Tensor:
        """What a reversible mask is set by, from the tensor that is masked."""
        raise NotImplementedError

    def score_names(self, parts: Sequence[str] = ("scores",)) -> list[str]:
        """Return the names of what learned masks over the targets learn, by the names that each mask has for it."""
        return [f"{name}.mask.{part}" for name in layers_in(self.matched) for part in parts]

    # ---- phases ----------------------------------------------------------------------------------------------------

    @property
    def is_masking(self) -> bool:
        """Whether the current phase is the one with masks."""
        return self.phase == self.last_phase

    def load_start(self, phase: str) -> None:
        """Masking starts from the best model of the dense phase."""
        if phase == self.last_phase and self.ends["dense"] > 0:
            self.load_dense()

    def enter(self, phase: str) -> None:
        """Put masks over the targets."""
        if phase == self.last_phase:
            install(self, layers_in(self.matched), self.make_mask, self.structure)

    def start_phase(self, phase: str) -> None:
        """Begin a phase; masking at its initial sparsity."""
        super().start_phase(phase)
        if self.is_masking:
            self._refresh()

    # ---- refreshes -------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self.refreshed is not None and self.refreshed.step == self.trainer.global_step:
            return  # an evaluation right after a refresh: nothing has moved
        before = self._kept or self._snapshot()
        sparsity = self.schedule(self.progress)
        layers = masked_layers(self)
        for names in self.pools:
            pool = [layers[name] for name in names]
            reversible = [layer.mask for layer in pool if isinstance(layer.mask, ReversibleMask)]
            if reversible:
                set_anew(reversible, [self.scores(layer.masked) for layer in pool], sparsity)
            self.refresh_learned([layer.mask for layer in pool], sparsity)
        self._kept = self._snapshot()
        self.refreshed = Refreshed(self.trainer.global_step, flipped(before, self._kept))

    def refresh_learned(self, pool: Sequence[Mask], sparsity: float) -> None:
        """Set the thresholds of the masks of a pool that are learned."""
        for part in pool[0].parts:
            refresh([mask.parts[part] for mask in pool], sparsity)

    def _snapshot(self) -> dict[str, Tensor]:
        every = masks_by_task(self).items()
        return {f"{task}/{name}": keep.clone() for task, masks in every for name, keep in masks.items()}

    def on_train_start(self) -> None:
        """A resumed run counts flips from the masks it was cut off with, which were fresh."""
        super().on_train_start()
        self._kept = self._snapshot()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Refresh every `refresh_every` steps of the phase."""
        super().on_train_batch_end(outputs, batch, batch_idx)
        start, _ = self.span(self.phase)
        if self.is_masking and (self.trainer.global_step - start) % self.refresh_every == 0:
            self._refresh()

    def on_validation_start(self) -> None:
        """Bring the sparsity to its scheduled value, exactly."""
        super().on_validation_start()
        if self.is_masking:
            self._refresh()

    def facts(self) -> dict[str, Any]:
        """What else is recorded of a selected model: how many parameters its Transformer layers need."""
        return super().facts() | (budget(self).figures() if self.is_masking else {})

    # ---- selection -------------------------------------------------------------------------------------------------

    def eligible(self) -> bool:
        """While masking, only at the final sparsity."""
        if self.is_masking:
            return super().eligible() and math.isclose(self.schedule(self.progress), self.schedule.final)
        return super().eligible()
