"""`Selection`: the evaluations of a run, and the best model of each phase so far."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from lit_prune.data.batch import Batch
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.evaluate.collector import Collector, Predicted, macro_average, mean_selection, settled
from lit_prune.runs.evaluations import Evaluation
from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.count import denominator, total

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


class Selection:
    """The last evaluation, and what was selected.

    Attributes:
        best: What is recorded of the best model of each phase so far, by the phase's name: `selection`, `step`,
            `sparsity`, `metrics` and more.
        improved: True if the last evaluation is the best of its phase so far.
        predicted: The logits of the last evaluation.
        values: Its metrics, `<task>/<split>/<metric>`.
        evaluation: Its record. If None, there was none.
    """

    def __init__(self) -> None:
        self.best: dict[str, dict[str, Any]] = {}
        self.improved = False
        self.predicted: list[Predicted] = []
        self.values: dict[str, float] = {}
        self.evaluation: Evaluation | None = None
        self._collector = Collector([])

    @property
    def monitored(self) -> dict[str, float]:
        """The metrics that callbacks may monitor."""
        return {name: value for name, value in self.values.items() if name.endswith(("/accuracy", "/auroc"))}

    def begin(self, sets: Sequence[EvaluationSet]) -> None:
        """Make room for the logits of every set."""
        self._collector = Collector(sets)

    def add(self, number: int, batch: Batch, logits: Tensor) -> None:
        """Add the logits of a batch of the set at this position."""
        self._collector.add(number, batch, logits)

    def finish(self, run: "Paradigm") -> float:
        """Compute the metrics of every set, and compare with the phase's best.

        Returns:
            The metric that selects; NaN if the model may not be selected.
        """
        self.predicted = settled(self._collector.predicted(run.sum_processes))
        self.values = {name: value for each in self.predicted for name, value in each.metrics().items()}
        self.values |= macro_average(self.values, run.tasks)
        phase = run.phases.current
        value = mean_selection(self.values, run.data.selecting) if phase.is_eligible(run) else math.nan
        self.improved = value > self.best.get(run.phase, {}).get("selection", -math.inf)
        step, counts = run.trainer.global_step, run.counts()
        sparsity = total(counts.values()).sparsity if counts else 0.0
        label = run.phases.label(run.phase)
        self.evaluation = Evaluation(label, step, not math.isnan(value), sparsity, self.values)
        if self.improved:
            facts = {"selection": value, "step": step, "sparsity": sparsity, **_facts(run, is_pruned=bool(counts))}
            self.best[run.phase] = facts | {"metrics": self.values}
        return value


def _facts(run: "Paradigm", is_pruned: bool) -> dict[str, Any]:
    """Return what is recorded of a selected model: its denominator and budget, its teacher, and the phase's facts."""
    facts: dict[str, Any] = {}
    if is_pruned:
        facts |= {"denominator": denominator(run, run.matched), **budget(run).figures()}
    if run.teacher is not None:
        facts["teacher"] = run.teacher.accuracy
    return facts | run.phases.current.record(run)
