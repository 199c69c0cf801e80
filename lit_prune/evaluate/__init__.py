"""A finished run's model on other files: `lit_prune test` and `lit_prune predict`."""
