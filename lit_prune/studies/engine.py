"""Runs a study, one run after the other, in this process.

Another engine replaces `run_all`, that is who calls a run and when: plans, standings and the ledger stay.
"""

import gc
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from lit_prune import fit
from lit_prune.cli import users_error
from lit_prune.studies.ledger import BLOCKED, COMPLETED, FAILED, PLANNED, RUNNING, Ledger
from lit_prune.studies.standing import Standing

Call = Callable[[Sequence[str], Path], str | None]
Tell = Callable[[Standing], None]


def run_all(standings: Sequence[Standing], ledger: Ledger, tell: Tell, call: Call | None = None) -> None:
    """Run what is not done, and whatever fails go on with the rest.

    Args:
        standings: What to run, each after the one it starts from.
        ledger: Where it is recorded.
        tell: Called with a run whenever its status has changed.
        call: Runs or continues one: the arguments of `lit_prune fit`, a file for what it prints -> None, or what went
            wrong. None: `fit_here`.
    """

    def change(standing: Standing, status: str, error: str | None = None) -> None:
        ledger.set(standing.run.name, status, error)
        tell(standing)

    for standing in standings:
        ancestor = standing.run.ancestor
        if standing.done:
            continue
        if ancestor is not None and ledger.status(ancestor) != COMPLETED:
            change(standing, BLOCKED, f"it starts from {ancestor}, which is {ledger.status(ancestor)}")
            continue
        change(standing, RUNNING)
        try:
            error = (call or fit_here)(standing.arguments, standing.output)
        except BaseException:  # stopped from outside: to be continued
            change(standing, PLANNED)
            raise
        if error is None and not (standing.folder / "metrics.json").is_file():
            error = f"it ended without {standing.folder / 'metrics.json'}"
        change(standing, COMPLETED if error is None else FAILED, error)


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
            cause = users_error(error)
            message = f"{type(error).__name__}: {error}" if cause is None else str(cause)
            return " ".join(message.split())
        finally:
            gc.collect()  # models and trainers refer to each other
