"""Mixtures of single-task models: one model for each task, in every combination (Xia & Shin 2021, Fig. 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from lit_prune.errors import UserError
from lit_prune.report.frontier import non_dominated
from lit_prune.report.results import Results
from lit_prune.report.run import Value
from lit_prune.report.selection import select
from lit_prune.report.settings import MixtureSettings
from lit_prune.report.statistics import Floats

BUDGET = "stored_density"
MOST = 1_000_000  # mixtures of a seed
_DIGITS = 9  # so that sums and means of equal numbers are equal


@dataclass(frozen=True)
class Models:
    """What all runs of a study are to a comparison of multitask models with mixtures.

    Attributes:
        metrics: One of each task.
        seeds: The value of the averaged axis of each run.
        budgets: Parameters that each run stores for its tasks together (runs,), in units of one dense encoder's layers,
            without the masks' bits.
        scores: Each run's metrics (runs, tasks), NaN of a task that it does not know; all NaN: it has no part.
    """

    metrics: Sequence[str]
    seeds: Sequence[Value | None]
    budgets: Floats
    scores: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which runs have a part: they know a task (runs,)."""
        found: NDArray[np.bool_] = self._num_known > 0
        return found

    @property
    def multitask(self) -> NDArray[np.bool_]:
        """Which runs know all tasks (runs,)."""
        found: NDArray[np.bool_] = self._num_known == len(self.metrics)
        return found

    @property
    def single(self) -> NDArray[np.bool_]:
        """Which runs know one task, and which (runs, tasks)."""
        found: NDArray[np.bool_] = np.isfinite(self.scores) & (self._num_known == 1)[:, None]
        return found

    @property
    def means(self) -> Floats:
        """The score of each multitask model (runs,), NaN of the other runs."""
        means: Floats = self.scores.mean(axis=1)
        return means.round(_DIGITS)

    @property
    def _num_known(self) -> NDArray[np.int_]:
        """How many tasks each run knows (runs,)."""
        num: NDArray[np.int_] = np.isfinite(self.scores).sum(axis=1)
        return num


@dataclass(frozen=True)
class Mixtures:
    """All mixtures of the models of one seed, or none.

    Attributes:
        budgets: The sum of the models' budgets (mixtures,).
        scores: The plain mean of their metrics (mixtures,).
    """

    budgets: Floats
    scores: Floats

    def best(self, budget: float) -> float:
        """The highest score of a mixture of this budget or less; NaN: none is that small."""
        there = self.scores[self.budgets <= budget]
        return float(there.max()) if len(there) else float("nan")

    def cheapest(self, score: float) -> float:
        """The smallest budget of a mixture of this score or a higher one; NaN: none is that good."""
        there = self.budgets[self.scores >= score]
        return float(there.min()) if len(there) else float("nan")

    @property
    def frontier(self) -> "Mixtures":
        """Those that no other dominates: none is as cheap and as good, and cheaper or better."""
        found = non_dominated(np.stack([self.budgets, -self.scores], axis=1))
        return Mixtures(self.budgets[found], self.scores[found])


def find_models(results: Results, settings: MixtureSettings, over: str) -> Models:
    """The single-task and the multitask models among the runs.

    Args:
        results: The runs.
        settings: Which runs, and the metric of each task. A run that has all of them is a multitask model.
        over: The axis that is averaged over: models of one value of it are mixed.

    Raises:
        UserError: a run has some of the metrics but neither one nor all, or no `stored_density`.
    """
    columns = np.stack([results.column("result", metric) for metric in settings.metrics], axis=1)
    scores = np.where(select(results, settings.where)[:, None], columns, np.nan)
    budgets = results.column("result", BUDGET)
    for run, num, budget in zip(results.runs, np.isfinite(scores).sum(axis=1), budgets, strict=True):
        if 1 < num < len(settings.metrics):
            raise UserError(
                f"mixture {settings.name}: run {run.name} has {num} of the {len(settings.metrics)} metrics, which is "
                "neither one task nor all: leave it out by `where`"
            )
        if num and np.isnan(budget):
            raise UserError(
                f"mixture {settings.name}: run {run.name} has no {BUDGET}, which is its budget (runs of version 0.1.0 "
                "have none): leave it out by `where`, or run it again"
            )
    return Models(settings.metrics, [run.axes.get(over) for run in results.runs], budgets, scores)


def mix(models: Models) -> dict[Value | None, Mixtures]:
    """Every combination of one single-task model for each task, for each seed by itself.

    Raises:
        UserError: a seed has over a million combinations.
    """
    return {seed: _mix(models, seed) for seed in dict.fromkeys(models.seeds)}


def _mix(models: Models, seed: Value | None) -> Mixtures:
    mine = np.array([each == seed for each in models.seeds])
    by_task = [np.flatnonzero(mine & known) for known in models.single.T]
    if (num := prod(map(len, by_task))) > MOST:
        raise UserError(f"there are {num:,} mixtures of one seed, at most {MOST:,} are compared: choose by `where`")
    chosen = np.stack(np.meshgrid(*by_task, indexing="ij"), axis=-1).reshape(-1, len(by_task))
    scores = models.scores[chosen, np.arange(len(by_task))].mean(axis=1)
    return Mixtures(models.budgets[chosen].sum(axis=1).round(_DIGITS), scores.round(_DIGITS))
