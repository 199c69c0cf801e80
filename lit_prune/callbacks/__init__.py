"""What watches a run: checkpoints, sparsity curves, the run's record, the progress bar."""
