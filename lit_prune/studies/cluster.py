"""Runs of a study on Ray: on this machine's cores, or on a cluster whose machines share a file system.

Ray places runs where resources are free, reuses worker processes (except those with GPUs), and restarts runs whose
process or machine was lost. A restarted run resumes from the last checkpoint in its folder.
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
from lit_prune.studies.ledger import lock_run
from lit_prune.studies.resolution import START_FROM
from lit_prune.studies.standing import Standing

_PATIENCE = 30  # seconds of waiting before the size of the cluster is checked again
_ANSWER = 10  # seconds until a connection times out


@dataclass(frozen=True)
class Resources:
    """Resources of a run.

    Args:
        cpus: CPU cores, and so the number of threads; with a fraction, several runs share a core.
        gpus: GPUs; with a fraction, several runs share a GPU.
        retries: Maximum number of restarts of a run whose process was lost. Runs that fail are not restarted.

    Raises:
        UserError: A number is negative, or there is neither a core nor a GPU.
    """

    cpus: float = 1
    gpus: float = 0
    retries: int = 3

    def __post_init__(self) -> None:
        if min(self.cpus, self.gpus, self.retries) < 0 or self.cpus + self.gpus == 0:
            raise UserError(
                "--each.cpus, --each.gpus and --each.retries must not be negative, with a core or a GPU, got "
                f"{self.cpus:g}, {self.gpus:g} and {self.retries}: use --each.cpus 1"
            )


class Cluster:
    """An executor of runs on Ray, in parallel as far as resources allow.

    Args:
        address: `local` to start Ray on this machine; `auto` or HOST:PORT to join a running cluster.
        resources: Resources of a run.

    Raises:
        UserError: Ray is not installed or does not answer, or no machine has the resources of a run.
    """

    def __init__(self, address: str, resources: Resources) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault(
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"
        )  # future default of Ray, set to avoid a warning
        try:
            import ray
        except ImportError as error:
            raise UserError(
                'Ray must be installed for --address, got none: pip install "lit_prune[cluster]"'
            ) from error
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
            raise UserError(
                f"--address must be a running Ray cluster, got {address} ({error}): start one, or use local"
            ) from error
        self._running: dict[Any, Standing] = {}
        self._fit = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=resources.retries)(
            fit_on_worker
        )
        if self.num_slots == 0:
            self.close()
            raise UserError(
                f"--each must fit on a machine at --address {address}, got {resources.cpus:g} cores and "
                f"{resources.gpus:g} GPUs: set --each.cpus and --each.gpus to less"
            )

    @property
    def num_slots(self) -> int:
        """Number of runs that the machines have resources for."""
        required = {"CPU": self._resources.cpus, "GPU": self._resources.gpus}
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        return sum(int(min(each.get(name, 0) / num for name, num in required.items() if num)) for each in machines)

    def start(self, standing: Standing) -> None:
        """Submit a run to Ray."""
        reference = self._fit.remote(standing.arguments, standing.folder, standing.output, Path.cwd())
        self._running[reference] = standing

    def wait(self) -> engine.Ended | None:
        """Wait for a run to end, None if none has ended within half a minute."""
        ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_PATIENCE)
        if not ended:
            return None
        standing = self._running.pop(ended[0])
        try:
            return standing, self._ray.get(ended[0])
        except self._ray.exceptions.RayError as error:
            return standing, " ".join(f"its process was lost ({type(error).__name__}): {error}".split())

    def close(self) -> None:
        """Disconnect from Ray and end active runs."""
        self._ray.shutdown()


def fit_on_worker(arguments: Sequence[str], folder: Path, output: Path, cwd: Path) -> str | None:
    """Run `lit_prune fit` in a worker process of Ray, or resume the run of a lost worker.

    Args:
        arguments: Arguments of `lit_prune fit`.
        folder: The run's folder.
        output: File for the output.
        cwd: Working directory of the study, the base of relative paths in its yamls.

    Returns:
        None, or the error in one line.
    """
    os.chdir(cwd)
    with lock_run(output.parent):
        if (folder / "metrics.json").is_file():
            return None
        if (folder / "config.yaml").is_file():
            arguments = ("--resume", str(folder), *(each for each in arguments if each.startswith(f"--{START_FROM}=")))
        elif arguments[0] != "--resume":
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)  # left by a worker that was lost before it wrote settings
        return engine.run_fit(arguments, output)
