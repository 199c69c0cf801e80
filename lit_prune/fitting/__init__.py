"""From a configuration to a trained run: arguments, settings, resume, requeue, and how a run ends."""
