"""Mixtures of single-task models: all combinations of one model per task (Xia & Shin 2021, Fig. 2)."""

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
MOST = 1_000_000  # mixtures per seed
_DIGITS = 9  # rounding makes equal sums and means compare equal


@dataclass(frozen=True)
class Models:
    """Budgets and scores of all runs of a study, for the comparison of multitask models with mixtures.

    Attributes:
        metrics: One metric per task.
        seeds: Value of the averaged axis of each run.
        budgets: Parameters that a run stores for all its tasks (runs,), in units of one dense encoder's layers, without
            the bits of masks.
        scores: Metrics (runs, tasks), NaN for tasks that a run was not trained on; a run of NaN alone is ignored.
    """

    metrics: Sequence[str]
    seeds: Sequence[Value | None]
    budgets: Floats
    scores: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """True for runs that have a score of any task (runs,)."""
        found: NDArray[np.bool_] = self._num_known > 0
        return found

    @property
    def multitask(self) -> NDArray[np.bool_]:
        """True for runs that have scores of all tasks (runs,)."""
        found: NDArray[np.bool_] = self._num_known == len(self.metrics)
        return found

    @property
    def single(self) -> NDArray[np.bool_]:
        """True for the task of a single-task run (runs, tasks)."""
        found: NDArray[np.bool_] = np.isfinite(self.scores) & (self._num_known == 1)[:, None]
        return found

    @property
    def means(self) -> Floats:
        """Mean score of each multitask run (runs,), NaN for the remaining runs."""
        means: Floats = self.scores.mean(axis=1)
        return means.round(_DIGITS)

    @property
    def _num_known(self) -> NDArray[np.int_]:
        """Number of tasks of each run (runs,)."""
        num: NDArray[np.int_] = np.isfinite(self.scores).sum(axis=1)
        return num


@dataclass(frozen=True)
class Mixtures:
    """All mixtures of the models of one seed.

    Attributes:
        budgets: Sum of the models' budgets (mixtures,).
        scores: Mean of the models' metrics (mixtures,).
    """

    budgets: Floats
    scores: Floats

    def best(self, budget: float) -> float:
        """Return the highest score of mixtures within a budget, NaN if there are none."""
        scores = self.scores[self.budgets <= budget]
        return float(scores.max()) if len(scores) else float("nan")

    def cheapest(self, score: float) -> float:
        """Return the smallest budget of mixtures with at least this score, NaN if there are none."""
        budgets = self.budgets[self.scores >= score]
        return float(budgets.min()) if len(budgets) else float("nan")

    @property
    def frontier(self) -> "Mixtures":
        """Mixtures that no other dominates in budget and score."""
        found = non_dominated(np.stack([self.budgets, -self.scores], axis=1))
        return Mixtures(self.budgets[found], self.scores[found])


def find_models(results: Results, settings: MixtureSettings, over: str) -> Models:
    """Find the single-task and multitask models among the runs.

    Args:
        results: The runs.
        settings: Settings that select the runs and name the metric of each task.
        over: The axis that is averaged over; only models with equal values of it are mixed.

    Raises:
        UserError: A run has several but not all of the metrics, or no `stored_density`.
    """
    columns = np.stack([results.column("result", metric) for metric in settings.metrics], axis=1)
    scores = np.where(select(results, settings.where)[:, None], columns, np.nan)
    budgets = results.column("result", BUDGET)
    for run, num, budget in zip(results.runs, np.isfinite(scores).sum(axis=1), budgets, strict=True):
        if 1 < num < len(settings.metrics):
            raise UserError(
                f"runs of mixture {settings.name} must have one or all {len(settings.metrics)} metrics, got {num} in "
                f"{run.name}: exclude it by `where`"
            )
        if num and np.isnan(budget):
            raise UserError(
                f"runs of mixture {settings.name} must have {BUDGET}, their budget, got none in {run.name}: exclude it "
                "by `where`, or run it again (version 0.1.0 did not record it)"
            )
    return Models(settings.metrics, [run.axes.get(over) for run in results.runs], budgets, scores)


def mix(models: Models) -> dict[Value | None, Mixtures]:
    """Return all combinations of one single-task model per task, by seed.

    Raises:
        UserError: A seed has more than a million combinations.
    """
    return {seed: _mix(models, seed) for seed in dict.fromkeys(models.seeds)}


def _mix(models: Models, seed: Value | None) -> Mixtures:
    has_seed = np.array([each == seed for each in models.seeds])
    by_task = [np.flatnonzero(has_seed & known) for known in models.single.T]
    if (num := prod(map(len, by_task))) > MOST:
        raise UserError(f"mixtures of a seed must be at most {MOST:,}, got {num:,}: select fewer runs by `where`")
    chosen = np.stack(np.meshgrid(*by_task, indexing="ij"), axis=-1).reshape(-1, len(by_task))
    scores = models.scores[chosen, np.arange(len(by_task))].mean(axis=1)
    return Mixtures(models.budgets[chosen].sum(axis=1).round(_DIGITS), scores.round(_DIGITS))
