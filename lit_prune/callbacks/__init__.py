"""What watches a run: checkpoints, sparsity curves, the run's record, the progress bar; and the rounds of pruning."""

from lit_prune.callbacks.rounds import ImpRounds

__all__ = ["ImpRounds"]
