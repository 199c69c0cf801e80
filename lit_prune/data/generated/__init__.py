"""Corpora that the package writes itself, seeded; most have a planted dataset bias and an evaluation set without it."""
