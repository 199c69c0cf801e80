"""Callbacks: the folder, record, checkpoints and curves of every run, and those that lay out or end phases."""

from lit_prune.callbacks.end_phase import EndPhase
from lit_prune.callbacks.prune import Prune
from lit_prune.callbacks.rounds import ImpRounds

__all__ = ["EndPhase", "ImpRounds", "Prune"]
