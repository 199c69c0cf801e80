"""The job of a cluster that a process belongs to."""

import os


def job_id() -> str | None:
    """Return the id of this process's SLURM job, None outside of SLURM."""
    return os.environ.get("SLURM_JOB_ID")
