"""Execution of a study's incomplete runs in order of their dependencies, by an executor."""

import gc
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Protocol

from lit_prune.cli import find_user_error
from lit_prune.commands import fit
from lit_prune.studies.ledger import BLOCKED, COMPLETED, FAILED, PLANNED, RUNNING, SKIPPED, Ledger
from lit_prune.studies.plan import Run
from lit_prune.studies.standing import Standing

Ended = tuple[Standing, str | None]


class Executor(Protocol):
    """An executor of runs, in parallel up to its number of slots."""

    @property
    def num_slots(self) -> int:
        """Number of runs that can run at once now, 0 if none ever can."""

    def start(self, standing: Standing) -> None:
        """Start a run."""

    def wait(self) -> Ended | None:
        """Wait for a run to end and return it with None or its error in one line; None if no run has ended yet."""


class LocalExecutor:
    """An executor in this process, one run at a time."""

    num_slots = 1

    def start(self, standing: Standing) -> None:
        """Store the run for `wait`."""
        self.standing = standing

    def wait(self) -> Ended:
        """Run the stored run."""
        return self.standing, run_fit(self.standing.arguments, self.standing.output)


def run_all(
    standings: Sequence[Standing], ledger: Ledger, on_change: Callable[[Standing], None], executor: Executor
) -> None:
    """Run all incomplete runs; after a failure, continue with the remaining ones.

    Args:
        standings: The runs, each after the run that it starts from.
        ledger: Record of the runs' statuses.
        on_change: Called with a run whenever its status has changed.
        executor: The executor of runs.
    """

    def change(standing: Standing, status: str, error: str | None = None) -> None:
        ledger.set(standing.run.name, status, error)
        on_change(standing)

    score = cache(ledger.score)  # called only after a run has ended
    waiting = [each for each in standings if not each.done]
    running: list[Standing] = []
    try:
        while waiting or running:
            num_slots = executor.num_slots
            for standing in list(waiting):
                status, reason = next_status(standing.run, ledger.status, score)
                if status in (BLOCKED, SKIPPED):
                    waiting.remove(standing)
                    change(standing, status, reason)
                elif status == RUNNING and len(running) < num_slots:
                    waiting.remove(standing)
                    running.append(standing)
                    change(standing, RUNNING)
                    executor.start(standing)
            if running and (ended := executor.wait()) is not None:
                standing, error = ended
                running.remove(standing)
                if error is None and not (standing.folder / "metrics.json").is_file():
                    error = f"the run ended without {standing.folder / 'metrics.json'}"
                change(standing, COMPLETED if error is None else FAILED, error)
    except BaseException:  # interrupted: the runs can be resumed
        for standing in running:
            change(standing, PLANNED)
        raise


def next_status(run: Run, status: Callable[[str], str], score: Callable[[str], float]) -> tuple[str, str | None]:
    """Return the next status of a waiting run, given the runs that it depends on.

    Args:
        run: The run.
        status: Returns the status of a run by its name.
        score: Returns the validation metric of a run by its name.

    Returns:
        `RUNNING` if the run can start, `PLANNED` if it has to wait, `SKIPPED`, or `BLOCKED` with the reason.
    """
    ancestor = run.ancestor
    ancestor_status = COMPLETED if ancestor is None else status(ancestor)
    if ancestor_status in (FAILED, BLOCKED):
        return BLOCKED, f"it starts from {ancestor}, which is {ancestor_status}"
    if ancestor_status == SKIPPED:
        return SKIPPED, None
    if any(status(name) in (PLANNED, RUNNING) for name in run.dependencies):
        return PLANNED, None
    if run.trials is not None:
        best = run.trials.best(score)
        if best is None:
            return BLOCKED, f"its {run.trials.axis} is chosen by trial runs, none of which has a validation metric"
        if best != run.axes[run.trials.axis]:
            return SKIPPED, None
    return RUNNING, None


def run_fit(arguments: Sequence[str], output: Path) -> str | None:
    """Run `lit_prune fit` in this process.

    Args:
        arguments: Arguments of `lit_prune fit`.
        output: File to which the output is appended, including tracebacks.

    Returns:
        None, or the error in one line.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("a") as file, redirect_stdout(file), redirect_stderr(file):
        try:
            fit.run(arguments)
            return None
        except Exception as error:
            traceback.print_exc()
            cause = find_user_error(error)
            message = f"{type(error).__name__}: {error}" if cause is None else str(cause)
            return " ".join(message.split())
        finally:
            gc.collect()  # models and trainers are reference cycles
