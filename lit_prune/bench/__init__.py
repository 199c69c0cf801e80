"""`lit_prune bench`: what masks, selection and the start of a command cost on this machine, as ratios in one run."""
