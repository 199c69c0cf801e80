"""What watches a run: checkpoints, sparsity curves, the record, the progress bar; and what lays out the phases."""

from lit_prune.callbacks.end_phase import EndPhase
from lit_prune.callbacks.rounds import ImpRounds

__all__ = ["EndPhase", "ImpRounds"]
