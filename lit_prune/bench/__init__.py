"""`lit_prune bench`: the cost of masks, selection and command start-up on this machine, as ratios within one run."""
