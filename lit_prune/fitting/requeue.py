"""SLURM: a job near its time limit returns to the queue and then resumes its run.

Lightning would save a checkpoint when the signal arrives and resume in a new folder. This package resumes from the last
evaluation's checkpoint, bit for bit, in the folder of the run.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from lit_prune.errors import UserError
from lit_prune.runs.identity import job_id
from lit_prune.runs.recorded import number_of, read_record


def was_requeued() -> bool:
    """True if this process belongs to a SLURM job that was requeued."""
    return job_id() is not None and os.environ.get("SLURM_RESTART_COUNT", "0") != "0"


@contextmanager
def requeue_on_signal() -> Iterator[None]:
    """Requeue the SLURM job on SIGUSR1 (`#SBATCH --signal=SIGUSR1@90`)."""
    if job_id() is None:
        yield
        return
    before = signal.signal(signal.SIGUSR1, _requeue)  # Lightning keeps an existing handler
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def _requeue(number: int, frame: FrameType | None) -> None:
    if os.environ.get("SLURM_PROCID", "0") != "0":
        return  # the first process requeues the job of all
    done = subprocess.run(["scontrol", "requeue", str(job_id())], capture_output=True, text=True)
    if done.returncode:
        print(f"lit_prune: scontrol requeue {job_id()} failed: {done.stderr.strip()}", file=sys.stderr)


def begun_before_requeue(experiment: Path) -> Path | None:
    """Return the incomplete run that this job had begun before it was requeued, None if there is none.

    Args:
        experiment: The folder of the experiment's runs.
    """
    if not was_requeued():
        return None
    begun = []
    for folder in (path.parent for path in experiment.glob("*/run.json")):
        try:
            record = read_record(folder)
        except UserError:
            continue  # a damaged record of another run must not fail the job
        if record.get("job") == job_id() and not (folder / "metrics.json").is_file():
            begun.append((number_of(record, "started") or 0.0, folder))
    return max(begun)[1] if begun else None
