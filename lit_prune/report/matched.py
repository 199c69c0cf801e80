"""Methods compared at matched ID performance, over all evaluations of their runs: debiasing, or forgetting?

A model that has learned less is often better out of distribution than one that has learned the bias too. So methods are
compared where they are equally good in distribution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lit_prune.display.table import Table
from lit_prune.report.cells import split_cells
from lit_prune.report.naming import MODELS, column_title, sign
from lit_prune.report.results import Results
from lit_prune.report.run import Run, Value, run_evaluations
from lit_prune.report.selection import select
from lit_prune.report.settings import MatchedSettings
from lit_prune.report.statistics import Floats, summarize
from lit_prune.report.tables import axis_texts, mean_and_std
from lit_prune.runs.evaluations import Evaluation, at_final_sparsity

_DENSE = "dense"  # the first phase of a run


@dataclass(frozen=True)
class Method:
    """The evaluations of a method: of the runs of a cell, or of their dense phases.

    Attributes:
        axes: Axes of the cell.
        model: `result` or `dense`.
        runs: For each run its metrics in the order of the steps (evaluations, metrics), the matched metric first.
    """

    axes: Mapping[str, Value]
    model: str
    runs: tuple[Floats, ...]


@dataclass(frozen=True)
class Matched:
    """Methods, and the value of the matched metric at which they are compared.

    Attributes:
        metrics: The metrics, the matched one first.
        methods: The methods.
    """

    metrics: tuple[str, ...]
    methods: tuple[Method, ...]

    @cached_property
    def level(self) -> float:
        """The best value of the matched metric that every run reaches."""
        end = sign(self.metrics[0])
        return float(end * min((end * run[:, 0]).max() for method in self.methods for run in method.runs))

    def at_level(self, method: Method) -> Floats:
        """Return the metrics of a method's runs at the level (runs, metrics without the matched one)."""
        return np.stack([interpolate(run[:, 0], run[:, 1:], self.level) for run in method.runs])


def interpolate(matched: Floats, values: Floats, level: float) -> Floats:
    """Return the mean of values wherever a run is at a level of the matched metric.

    Args:
        matched: The matched metric at each evaluation (evaluations,).
        values: Further metrics (evaluations, metrics), linear between two evaluations.
        level: The level.

    Returns:
        (metrics,), NaN if the run is at no time at the level.
    """
    gaps = matched - level
    passes = np.flatnonzero(gaps[:-1] * gaps[1:] < 0)
    shares = gaps[passes] / (gaps[passes] - gaps[passes + 1])
    between = values[passes] + shares[:, None] * (values[passes + 1] - values[passes])
    found = np.concatenate([values[gaps == 0], between])
    return found.mean(axis=0) if len(found) else np.full(values.shape[1], np.nan)


def match(results: Results, matched: MatchedSettings, over: str) -> Matched:
    """Read the evaluations of the runs, by method.

    Evaluations are those of the last phase at its final sparsity. The dense phase is a method beside it, if the run
    evaluated it more than once.

    Args:
        results: The runs.
        matched: Settings of the comparison.
        over: The axis that is averaged over.
    """
    metrics = (matched.id, *matched.ood)
    selected = select(results, matched.where)
    methods = []
    for cell in split_cells(results, over):
        runs = [results.runs[number] for number in cell.runs if selected[number]]
        phases = [_phases(run) for run in runs if run.status == "completed"]
        for model in (_DENSE, "result"):
            found = tuple(_values(phase[model], metrics) for phase in phases if model in phase)
            if found := tuple(each for each in found if len(each)):
                methods.append(Method(cell.axes, model, found))
    return Matched(metrics, tuple(methods))


def _phases(run: Run) -> dict[str, list[Evaluation]]:
    """Return the evaluations of the phase that a run's result is from, and of its dense phase if that is another."""
    evaluations = run_evaluations(run.folder)
    if not evaluations:
        return {}
    last = run.files.removesuffix("_") or evaluations[-1].phase
    by_model = {"result": [each for each in evaluations if each.phase == last]}
    dense = [each for each in evaluations if each.phase == _DENSE]
    if last != _DENSE and not run.files and len(dense) > 1:
        by_model[_DENSE] = dense
    return by_model


def _values(evaluations: Sequence[Evaluation], metrics: Sequence[str]) -> Floats:
    """Return the metrics of the evaluations at the final sparsity that have all of them (evaluations, metrics)."""
    rows = [
        [each.metrics[name] for name in metrics]
        for each in at_final_sparsity(evaluations)
        if each.metrics.keys() >= set(metrics)
    ]
    return np.array(rows, dtype=float).reshape(-1, len(metrics))


def matched_table(found: Matched, name: str, axes: Sequence[str], over: str) -> Table:
    """Return a table with a row per method: its best ID metric, and its OOD metrics at the matched one.

    Args:
        found: The methods.
        name: Name of the comparison.
        axes: Axes that identify a cell.
        over: The axis that is averaged over.
    """
    title = f"At matched {column_title(found.metrics[0])}: {name}"
    if not found.methods:
        return Table(title, [], [], 0)
    first, *others = map(column_title, found.metrics)
    end = sign(found.metrics[0])
    rows = []
    for method in found.methods:
        at_level = found.at_level(method)
        best = summarize(np.array([end * (end * run[:, 0]).max() for run in method.runs]))
        num = int(np.isfinite(at_level).all(axis=1).sum())
        shown = [mean_and_std(summarize(column)) for column in at_level.T]
        row = [*axis_texts(axes, method.axes), MODELS[method.model], mean_and_std(best), *shown]
        rows.append([*row, str(num) if num == len(at_level) else f"{num} of {len(at_level)}"])
    header = [*axes, "model", f"best {first}", *others, f"{over}s"]
    notes = [
        f"At {first} {found.level:.3f}, the best that every run reaches; linear between two evaluations, and averaged "
        "if a run is at the level several times. Evaluations are those of the last phase at its final sparsity, "
        f"selected or not. A {over} that is never at the level is left out."
    ]
    return Table(title, header, rows, len(axes) + 1, notes)
