"""What a run has found, as files that others load."""
