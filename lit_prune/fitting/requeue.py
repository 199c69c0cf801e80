"""SLURM: a job that is about to reach its time limit goes back into the queue, and then goes on where its run stands.

Lightning's own way saves wherever the signal comes, and begins a new folder. The checkpoints here, one after every
evaluation, resume bit for bit in the folder of the run.
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
from lit_prune.runs.job import job
from lit_prune.runs.recorded import number_of, read_record


def was_requeued() -> bool:
    """Whether this process belongs to a SLURM job that was in the queue before."""
    return job() is not None and os.environ.get("SLURM_RESTART_COUNT", "0") != "0"


@contextmanager
def requeue_on_signal() -> Iterator[None]:
    """In a SLURM job, answer SIGUSR1 (`#SBATCH --signal=SIGUSR1@90`) by putting the job back into the queue."""
    if job() is None:
        yield
        return
    before = signal.signal(signal.SIGUSR1, _requeue)  # Lightning adds none of its own to one that is there
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def _requeue(number: int, frame: FrameType | None) -> None:
    if os.environ.get("SLURM_PROCID", "0") != "0":
        return  # one process speaks for all
    done = subprocess.run(["scontrol", "requeue", str(job())], capture_output=True, text=True)
    if done.returncode:
        print(f"lit_prune: scontrol requeue {job()} failed: {done.stderr.strip()}", file=sys.stderr)


def begun_before_requeue(experiment: Path) -> Path | None:
    """The run that this job had begun, and not ended, before it was requeued.

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
            continue  # a damaged record is no reason to lose the job
        if record.get("job") == job() and not (folder / "metrics.json").is_file():
            begun.append((number_of(record, "started") or 0.0, folder))
    return max(begun)[1] if begun else None
