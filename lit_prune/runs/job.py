"""The job of a cluster that a process belongs to."""

import os


def job() -> str | None:
    """Return the id of the SLURM job that this process belongs to, None: it belongs to none."""
    return os.environ.get("SLURM_JOB_ID")
