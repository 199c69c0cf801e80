"""Console output of a study: its plan, a line for every run that ends, and the active runs."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lit_prune.studies.ledger import COMPLETED, PLANNED, RUNNING, SKIPPED, Ledger, spent_seconds
from lit_prune.studies.standing import Standing

TAIL = 4096  # bytes at the end of a run's output that are searched for its last line


class Costs:
    """Durations of runs by kind: the mean over complete runs, or the expected duration.

    Args:
        standings: All runs of the study.
        expected: Expected seconds of a run, by kind.
    """

    def __init__(self, standings: Iterable[Standing], expected: Mapping[str, float]) -> None:
        self.expected = expected
        self.spent: dict[str, list[float]] = {}
        for standing in standings:
            if standing.done:
                self.add(standing)

    def add(self, standing: Standing) -> None:
        """Add the duration of a complete run."""
        seconds = spent_seconds(standing.folder)
        if seconds is not None:
            self.spent.setdefault(standing.run.kind, []).append(seconds)

    def remaining(self, standing: Standing) -> float | None:
        """Return the expected remaining seconds of a run, None if unknown."""
        if standing.done:
            return 0.0
        kind = standing.run.kind
        total = fmean(self.spent[kind]) if kind in self.spent else self.expected.get(kind)
        if total is None:
            return None
        trials = standing.run.trials
        probability = 1.0 if trials is None else 1 / len(trials.names)  # of being run, if it waits for trials
        return probability * max(0.0, total - (spent_seconds(standing.folder) or 0.0))

    def remaining_text(self, standings: Iterable[Standing]) -> str:
        """Return the total remaining time of runs as text."""
        seconds = [self.remaining(each) for each in standings]
        known = [each for each in seconds if each is not None]
        if not known:
            return "an unknown time" if seconds else "nothing"
        more = len(seconds) - len(known)
        return f"about {duration(sum(known))}" + (f", and an unknown time for {more} more" if more else "")


def duration(seconds: float) -> str:
    """Return seconds as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def print_plan(standings: Iterable[Standing], costs: Costs, efforts: Table | None = None) -> None:
    """Print a table of the runs with their states and expected durations, and one of the effort of each kind if any."""
    table = Table("run", "state", "takes")
    for standing in standings:
        seconds = costs.remaining(standing)
        state = standing.state if standing.done or standing.run.trials is None else f"{standing.state}, if best"
        table.add_row(Text(standing.run.name), state, "?" if seconds is None else duration(seconds))
    console = Console(soft_wrap=True)
    console.print(table)
    if efforts is not None:
        console.print(efforts)
    left = [each for each in standings if not each.done]
    console.print(f"{len(left)} of {len(table.rows)} to do: {costs.remaining_text(left)}", highlight=False)


class Watch:
    """Progress of a study: a line for every run that ends, and on a terminal the active runs with their last output.

    Args:
        standings: The runs.
        ledger: Their statuses.
        costs: Their durations.
    """

    def __init__(self, standings: Iterable[Standing], ledger: Ledger, costs: Costs) -> None:
        self.standings = list(standings)
        self.ledger = ledger
        self.costs = costs
        self.console = Console(soft_wrap=True)
        self.console.file = self.console.file  # fixed, as sys.stdout is redirected while a run is active
        self.running: dict[str, Standing] = {}

    def live(self) -> AbstractContextManager[Any]:
        """Return a context manager that shows the active runs on a terminal."""
        if not self.console.is_terminal:
            return nullcontext()
        options = {"redirect_stdout": False, "redirect_stderr": False, "refresh_per_second": 2, "transient": True}
        return Live(self, console=self.console, **options)  # type: ignore[arg-type]

    def update(self, standing: Standing) -> None:
        """Print the new status of a run."""
        entry = self.ledger.entries[standing.run.name]
        self.running.pop(standing.run.name, None)
        if entry["status"] == COMPLETED:
            self.costs.add(standing)
        if entry["status"] == SKIPPED:
            return
        if entry["status"] == RUNNING:
            self.running[standing.run.name] = standing
            if self.console.is_terminal:
                return
        line = f"{entry['status']:9} {standing.run.name}"
        if entry["status"] == COMPLETED:
            line += f" in {duration(entry['seconds'])}; {self._left()}"
        elif entry["error"] is not None:
            line += f": {entry['error']}"
        self.console.print(Text(line))

    def _left(self) -> str:
        left = [each for each in self.standings if self.ledger.status(each.run.name) in (PLANNED, RUNNING)]
        done = len(self.standings) - len(left)
        return f"{done} of {len(self.standings)} done, left: {self.costs.remaining_text(left)}"

    def __rich__(self) -> Text:
        if not self.running:
            return Text("")
        lines = [f"{RUNNING:9} {name}  {last_line(standing.output)}" for name, standing in self.running.items()]
        return Text("\n".join([self._left(), *lines]), no_wrap=True, overflow="ellipsis")


def last_line(path: Path) -> str:
    """Return the last line of a text file; carriage returns of progress bars separate lines too."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
