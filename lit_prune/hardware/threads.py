"""The number of torch's threads for a process that may use fewer CPUs than the machine has."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch

EXPLICIT = {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}  # a user's, Ray's or Lightning's choice


def limit_threads(num_processes: int = 1) -> None:
    """Limit torch's threads to the usable CPUs, unless the environment sets their number.

    torch starts a thread per core; beyond a container's quota the threads block each other at every barrier.

    Args:
        num_processes: Number of processes that share the CPUs. If more than one, child processes inherit the number of
            threads through the environment.
    """
    if EXPLICIT & os.environ.keys():
        return
    num_threads = min(torch.get_num_threads(), max(1, usable_cpus() // num_processes))
    torch.set_num_threads(num_threads)
    if num_processes > 1:
        os.environ["OMP_NUM_THREADS"] = str(num_threads)


def usable_cpus(root: Path = Path("/")) -> int:
    """Return the number of CPUs in the affinity of this process, or its control group's quota if smaller, rounded down.

    Args:
        root: Root of the file system.
    """
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, int(min([len(affinity), *_quotas(root)])))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the quotas, in CPUs, of this process's control group and its ancestors; see cgroups(7)."""
    groups = root / "proc/self/cgroup"
    for line in groups.read_text().splitlines() if groups.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("cpu" if controllers else "")  # version 1, or 2
        group = top / path.lstrip("/")
        for folder in (group, *group.parents[: len(group.parts) - len(top.parts)]):
            yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    """Yield the quota of a control group, if it has one."""
    files = ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")  # version 2, 1
    for names in files:
        paths = [folder / name for name in names]
        if all(path.is_file() for path in paths):
            quota, period = " ".join(path.read_text() for path in paths).split()
            if quota not in ("max", "-1"):
                yield int(quota) / int(period)
