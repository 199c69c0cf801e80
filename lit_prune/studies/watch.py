"""What a study shows on the console: its plan, a line for every run that ends, and what runs now."""

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

TAIL = 4096  # characters of a run's output that its last line is looked for in


class Costs:
    """Seconds that runs take: by their kind as finished runs of it did on average, else as the study says.

    Args:
        standings: All runs of the study.
        said: What the study says, by kind.
    """

    def __init__(self, standings: Iterable[Standing], said: Mapping[str, float]) -> None:
        self.said = said
        self.spent: dict[str, list[float]] = {}
        for standing in standings:
            if standing.done:
                self.learn(standing)

    def learn(self, standing: Standing) -> None:
        """A run has finished."""
        seconds = spent_seconds(standing.folder)
        if seconds is not None:
            self.spent.setdefault(standing.run.kind, []).append(seconds)

    def left(self, standing: Standing) -> float | None:
        """Seconds that a run still takes, in the mean over what may come of it; None: nobody knows."""
        if standing.done:
            return 0.0
        kind = standing.run.kind
        whole = fmean(self.spent[kind]) if kind in self.spent else self.said.get(kind)
        if whole is None:
            return None
        trials = standing.run.trials
        chance = 1.0 if trials is None else 1 / len(trials.names)
        return chance * max(0.0, whole - (spent_seconds(standing.folder) or 0.0))

    def sum(self, standings: Iterable[Standing]) -> str:
        """What runs still take, one after the other, in words."""
        seconds = [self.left(each) for each in standings]
        known = [each for each in seconds if each is not None]
        if not known:
            return "an unknown time" if seconds else "nothing"
        more = len(seconds) - len(known)
        return f"about {duration(sum(known))}" + (f", and an unknown time for {more} more" if more else "")


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def print_plan(standings: Iterable[Standing], costs: Costs) -> None:
    """The runs with their states, and what they cost, one after the other."""
    table = Table("run", "state", "takes")
    for standing in standings:
        seconds = costs.left(standing)
        state = standing.state if standing.done or standing.run.trials is None else f"{standing.state}, if best"
        table.add_row(Text(standing.run.name), state, "?" if seconds is None else duration(seconds))
    console = Console(soft_wrap=True)
    console.print(table)
    left = [each for each in standings if not each.done]
    console.print(f"{len(left)} of {len(table.rows)} to do: {costs.sum(left)}", highlight=False)


class Watch:
    """Prints a line whenever a run ends; on a terminal the running one is shown below, with the last line it printed.

    Args:
        standings: What is run.
        ledger: How it stands.
        costs: What runs take.
    """

    def __init__(self, standings: Iterable[Standing], ledger: Ledger, costs: Costs) -> None:
        self.standings = list(standings)
        self.ledger = ledger
        self.costs = costs
        self.console = Console(soft_wrap=True)
        self.console.file = self.console.file  # this one, also while a run's output goes elsewhere
        self.running: dict[str, Standing] = {}

    def shown(self) -> AbstractContextManager[Any]:
        """While this is entered, a terminal shows what runs."""
        if not self.console.is_terminal:
            return nullcontext()
        live = {"redirect_stdout": False, "redirect_stderr": False, "refresh_per_second": 2, "transient": True}
        return Live(self, console=self.console, **live)  # type: ignore[arg-type]

    def tell(self, standing: Standing) -> None:
        """Say how a run stands now."""
        entry = self.ledger.entries[standing.run.name]
        self.running.pop(standing.run.name, None)
        if entry["status"] == COMPLETED:
            self.costs.learn(standing)
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
        return f"{len(self.standings) - len(left)} of {len(self.standings)} done, left: {self.costs.sum(left)}"

    def __rich__(self) -> Text:
        if not self.running:
            return Text("")
        lines = [f"{RUNNING:9} {name}  {last_line(standing.output)}" for name, standing in self.running.items()]
        return Text("\n".join([self._left(), *lines]), no_wrap=True, overflow="ellipsis")


def last_line(path: Path) -> str:
    """The last line of a text file, as far as it is written; a progress bar's lines begin anew at each return."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
