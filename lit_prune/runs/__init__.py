"""The folder of a run: claimed, checkpoints, record, and what is read of them again."""
