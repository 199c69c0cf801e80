"""Which evaluations of a phase may be selected as its best."""

from abc import ABC, abstractmethod

from lit_prune.errors import UserError


class Eligibility(ABC):
    """A rule by the progress of a phase."""

    @abstractmethod
    def __call__(self, progress: float) -> bool:
        """True if a model may be selected at `progress`, from 0 (start of the phase) to 1 (end)."""


class Always(Eligibility):
    """Every evaluation."""

    def __call__(self, progress: float) -> bool:
        """True."""
        return True


class After(Eligibility):
    """Evaluations from a share of the phase on (SRNets, Liu et al. 2022, appendix B: the last 30%).

    Args:
        share: From 0 to 1; 1: the model at the end of the phase.

    Raises:
        UserError: `share` is outside of [0, 1].
    """

    def __init__(self, share: float) -> None:
        if not 0 <= share <= 1:
            raise UserError(f"share of After must be from 0 to 1, got {share}: 0.7 selects in the last 30% of a phase")
        self.share = share

    def __call__(self, progress: float) -> bool:
        """True from `share` on."""
        return progress >= self.share
