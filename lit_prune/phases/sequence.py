"""The phases of a run in their order, and the optimizer steps at which they end."""

from collections.abc import Callable, Iterator, Mapping

from lit_prune.errors import UserError
from lit_prune.names import check_name
from lit_prune.phases.finetune import FineTune
from lit_prune.phases.phase import Phase
from lit_prune.phases.training import Training

_BASE = "dense"  # begins the names of files and metrics of the first phase
_FILES = ("best", "last")  # names of checkpoints


def with_base(phases: Mapping[str, Phase]) -> dict[str, Phase]:
    """Return the phases of a run, the first of which is its base: an empty `FineTune` if they begin with another kind.

    Raises:
        UserError: there is none, or the first is another kind under the name of the base.
    """
    if not phases:
        raise UserError("phases must list one phase or more, got none: begin with a lit_prune.phases.FineTune")
    name, first = next(iter(phases.items()))
    if isinstance(first, FineTune):
        return dict(phases)
    if name == _BASE:
        raise UserError(f"phase {_BASE!r} must be a FineTune, got {type(first).__name__}: give it another name")
    return {_BASE: FineTune(Training(steps=0)), **phases}


class PhaseSequence:
    """The phases by name; one of them is the current one, first the first.

    Attributes:
        name: The current phase's.
        ends: The optimizer step at which each phase has ended, once `lay_out` was called.
    """

    def __init__(self) -> None:
        self._phases: dict[str, Phase] = {}
        self.name = ""
        self.ends: dict[str, int] = {}

    def __getitem__(self, name: str) -> Phase:
        return self._phases[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._phases)

    def __len__(self) -> int:
        return len(self._phases)

    def before(self, name: str | None) -> dict[str, Phase]:
        """Return the phases before a phase, by its name, or all phases if the name is None."""
        names = list(self)
        num = names.index(name) if name in names else len(names)
        return {each: self._phases[each] for each in names[:num]}

    def insert(self, name: str, phase: Phase, before: str | None = None) -> None:
        """Add a phase, as the last if `before` is None.

        Raises:
            UserError: the name is taken, or `before` names no phase.
        """
        check_name("name of a phase", name)
        if name in _FILES or (name == _BASE and self._phases):
            raise UserError(
                f"name of a phase must be none of {', '.join(_FILES)}, and {_BASE} only for the first, got {name!r}: "
                "rename it"
            )
        if name in self._phases or not (before is None or before in self._phases):
            raise UserError(
                f"a new phase must have a new name and come before one of {list(self)}, got {name!r} before {before!r}"
            )
        names = list(self)
        later = names[names.index(before) :] if before is not None else []
        moved = {each: self._phases.pop(each) for each in later}
        self._phases |= {name: phase, **moved}
        self.name = next(iter(self))

    @property
    def current(self) -> Phase:
        """The current phase."""
        return self._phases[self.name]

    @property
    def base(self) -> str:
        """The name of the first phase."""
        return next(iter(self))

    @property
    def last(self) -> str:
        """The name of the last phase, whose best model is the run's result."""
        return list(self)[-1]

    def label(self, name: str) -> str:
        """Return what begins the names of a phase's files and metrics: of the base always `dense`."""
        return _BASE if name == self.base else name

    @property
    def position(self) -> int:
        """Number of phases before the current one."""
        return list(self).index(self.name)

    def lay_out(self, length_of: Callable[[Phase], int], max_steps: int) -> None:
        """Set the ends of the phases.

        Args:
            length_of: Returns the optimizer steps of a phase.
            max_steps: Where the run ends at the latest; not positive: nowhere.

        Raises:
            UserError: a phase would begin after the end, or none has a step.
        """
        end = 0
        for name, phase in self._phases.items():
            length = length_of(phase)
            start, end = end, end + length
            if max_steps > 0:
                end = min(end, max_steps)
                if start >= end and length:
                    raise UserError(
                        f"trainer.max_steps must be above {start}, where the phase {name!r} begins, got {max_steps}: "
                        "raise it or shorten the phases before"
                    )
            self.ends[name] = end
        if not end:
            raise UserError("phases of a run must have steps, got 0 in all: set a length, or add a phase")

    def span(self, name: str) -> tuple[int, int]:
        """Return the first optimizer step of a phase, and the step at which it has ended."""
        number = list(self.ends).index(name)
        return [0, *self.ends.values()][number], self.ends[name]

    def progress(self, step: int) -> float:
        """Return the progress of the current phase at an optimizer step, 0 to 1."""
        start, end = self.span(self.name)
        return 1.0 if end <= start else min(1.0, max(0.0, (step - start) / (end - start)))

    def due(self, step: int) -> str:
        """Return the name of the phase that an optimizer step belongs to; after the last step, the current one."""
        return next((name for name, end in self.ends.items() if step < end), self.name)

    def end_current(self, step: int) -> None:
        """End the current phase at an optimizer step; the later ones begin earlier."""
        left = self.ends[self.name] - step
        for name in list(self)[self.position :]:
            self.ends[name] -= left
