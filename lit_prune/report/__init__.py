"""`lit_prune report`: what the runs of a study show, from their records alone."""
