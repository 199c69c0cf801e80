"""Folders of runs: creation and locks, checkpoints, records, and reading them again."""
