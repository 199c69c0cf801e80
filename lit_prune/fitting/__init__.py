"""Training of a run from a configuration: arguments, settings, resume, requeue and end."""
