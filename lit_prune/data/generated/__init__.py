"""Corpora that the package writes itself, seeded, with a planted dataset bias and an evaluation set without it."""
