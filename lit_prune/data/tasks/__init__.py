"""Kinds of tasks, a file each; `kinds` is their table."""
