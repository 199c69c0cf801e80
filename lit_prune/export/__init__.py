"""A run's result as a folder for others: dense for plain transformers, or packed into few bytes."""
