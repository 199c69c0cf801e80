"""Runs of a study on Ray: on this machine's cores, or on a cluster whose machines share a file system.

Ray places each run where its resources are free, keeps its processes for further runs (those with GPUs excepted), and
starts a run again whose process or machine was lost. What is not lost is in the run's folder: it goes on from its last
checkpoint.
"""

import logging
import os
import shutil
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.studies import engine
from lit_prune.studies.ledger import hold_place
from lit_prune.studies.resolution import START_FROM
from lit_prune.studies.standing import Standing

_PATIENCE = 30  # seconds until it is looked whether the cluster has grown
_ANSWER = 10  # seconds for a cluster to answer


@dataclass(frozen=True)
class Resources:
    """What each run gets.

    Args:
        cpus: CPU cores, which are its threads; a fraction: several runs share one.
        gpus: GPUs; a fraction: several runs share one.
        retries: How often a run is started again whose process was lost. One that fails by itself is not.

    Raises:
        UserError: there is neither a core nor a GPU, or a number is negative.
    """

    cpus: float = 1
    gpus: float = 0
    retries: int = 3

    def __post_init__(self) -> None:
        if min(self.cpus, self.gpus, self.retries) < 0 or self.cpus + self.gpus == 0:
            raise UserError(
                f"a run gets {self.cpus:g} cores, {self.gpus:g} GPUs and {self.retries} retries: needed are numbers "
                "from 0 on, and a core or a GPU"
            )


class Cluster:
    """Runs on Ray, as many at once as there are resources for.

    Args:
        address: `local` starts Ray on this machine; `auto`, or HOST:PORT, joins one that is there.
        resources: What each run gets.

    Raises:
        UserError: Ray is not installed, none is at the address, or no machine of it has these resources.
    """

    def __init__(self, address: str, resources: Resources) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what it is to do some day, without a warning
        try:
            import ray
        except ImportError as error:
            raise UserError('--address needs Ray: pip install "lit_prune[cluster]"') from error
        self._ray = ray
        self._resources = resources
        try:
            if (place := address.rpartition(":"))[0]:  # Ray itself would try for minutes
                socket.create_connection((place[0], int(place[2])), timeout=_ANSWER).close()
            ray.init(
                address=None if address == "local" else address,
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise UserError(f"--address {address}: no Ray answers there ({error}): start one, or use local") from error
        self._running: dict[Any, Standing] = {}
        self._fit = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=resources.retries)(
            fit_there
        )
        if self.num_slots == 0:
            self.close()
            raise UserError(
                f"no machine at --address {address} has {resources.cpus:g} cores and {resources.gpus:g} GPUs for a "
                "run: ask for less"
            )

    @property
    def num_slots(self) -> int:
        """How many runs the machines have resources for."""
        asked = {"CPU": self._resources.cpus, "GPU": self._resources.gpus}
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        return sum(int(min(own.get(name, 0) / need for name, need in asked.items() if need)) for own in machines)

    def start(self, standing: Standing) -> None:
        """Hand a run to Ray."""
        reference = self._fit.remote(standing.arguments, standing.folder, standing.output, Path.cwd())
        self._running[reference] = standing

    def wait(self) -> engine.Ended | None:
        """Wait for one to end."""
        ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_PATIENCE)
        if not ended:
            return None
        standing = self._running.pop(ended[0])
        try:
            return standing, self._ray.get(ended[0])
        except self._ray.exceptions.RayError as error:
            return standing, " ".join(f"its process was lost ({type(error).__name__}): {error}".split())

    def close(self) -> None:
        """Let go of Ray; what still runs is ended."""
        self._ray.shutdown()


def fit_there(arguments: Sequence[str], folder: Path, output: Path, cwd: Path) -> str | None:
    """Run `lit_prune fit` in a process of Ray, or go on with what an earlier one left.

    Args:
        arguments: Its arguments.
        folder: The run's folder.
        output: File for what it prints.
        cwd: Where the study was started, which paths in its yamls are relative to.

    Returns:
        None, or what went wrong, in a line.
    """
    os.chdir(cwd)
    with hold_place(output.parent):
        if (folder / "metrics.json").is_file():
            return None
        if (folder / "config.yaml").is_file():
            arguments = ("--resume", str(folder), *(each for each in arguments if each.startswith(f"--{START_FROM}=")))
        elif arguments[0] != "--resume":
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)  # an earlier one was lost before it had settings
        return engine.fit_here(arguments, output)
