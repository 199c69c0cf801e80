"""Runs what of a study is not done, each run after the one it starts from; who runs it is an executor's matter."""

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
Tell = Callable[[Standing], None]


class Executor(Protocol):
    """Runs runs, as many at once as it has slots."""

    @property
    def num_slots(self) -> int:
        """How many it can run at once now; 0: none ever."""

    def start(self, standing: Standing) -> None:
        """Begin a run."""

    def wait(self) -> Ended | None:
        """Wait for one to end: with None, or what went wrong in a line. None: none has ended yet, ask again."""


class Here:
    """Runs in this process, one after the other."""

    num_slots = 1

    def start(self, standing: Standing) -> None:
        """Remember it."""
        self.standing = standing

    def wait(self) -> Ended:
        """Run it."""
        return self.standing, fit_here(self.standing.arguments, self.standing.output)


def run_all(standings: Sequence[Standing], ledger: Ledger, tell: Tell, executor: Executor) -> None:
    """Run what is not done, and whatever fails go on with the rest.

    Args:
        standings: What to run, each after the one it starts from.
        ledger: Where it is recorded.
        tell: Called with a run whenever its status has changed.
        executor: Who runs it.
    """

    def change(standing: Standing, status: str, error: str | None = None) -> None:
        ledger.set(standing.run.name, status, error)
        tell(standing)

    score = cache(ledger.score)  # asked for when it has ended
    waiting = [each for each in standings if not each.done]
    running: list[Standing] = []
    try:
        while waiting or running:
            num_slots = executor.num_slots
            for standing in list(waiting):
                fate, why = fate_of(standing.run, ledger.status, score)
                if fate in (BLOCKED, SKIPPED):
                    waiting.remove(standing)
                    change(standing, fate, why)
                elif fate == RUNNING and len(running) < num_slots:
                    waiting.remove(standing)
                    running.append(standing)
                    change(standing, RUNNING)
                    executor.start(standing)
            if running and (ended := executor.wait()) is not None:
                standing, error = ended
                running.remove(standing)
                if error is None and not (standing.folder / "metrics.json").is_file():
                    error = f"it ended without {standing.folder / 'metrics.json'}"
                change(standing, COMPLETED if error is None else FAILED, error)
    except BaseException:  # stopped from outside: to be continued
        for standing in running:
            change(standing, PLANNED)
        raise


def fate_of(run: Run, status: Callable[[str], str], score: Callable[[str], float]) -> tuple[str, str | None]:
    """What becomes of a run that waits, as runs that it needs stand, and why.

    Args:
        run: The run.
        status: How runs stand, by name.
        score: How a run did on validation, by name.

    Returns:
        `RUNNING` (it can be run), `PLANNED` (it waits), `SKIPPED` or `BLOCKED`, this with the reason.
    """
    ancestor = run.ancestor
    before = COMPLETED if ancestor is None else status(ancestor)
    if before in (FAILED, BLOCKED):
        return BLOCKED, f"it starts from {ancestor}, which is {before}"
    if before == SKIPPED:
        return SKIPPED, None
    if any(status(name) in (PLANNED, RUNNING) for name in run.needs):
        return PLANNED, None
    if run.trials is not None:
        best = run.trials.best(score)
        if best is None:
            return BLOCKED, f"its {run.trials.axis} is chosen by the selection of others, and none has one"
        if best != run.axes[run.trials.axis]:
            return SKIPPED, None
    return RUNNING, None


def fit_here(arguments: Sequence[str], output: Path) -> str | None:
    """`lit_prune fit` in this process.

    Args:
        arguments: Its arguments.
        output: File that what it prints is appended to, bugs with their traceback.

    Returns:
        None, or what went wrong, in a line.
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
            gc.collect()  # models and trainers refer to each other
