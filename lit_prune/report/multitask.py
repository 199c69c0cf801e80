"""Multitask models against mixtures of single-task models of the same budget (Xia & Shin 2021, Fig. 2)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lit_prune.display.table import NONE, Table
from lit_prune.report.cells import split_cells
from lit_prune.report.mixtures import find_models, mix
from lit_prune.report.results import Results
from lit_prune.report.run import Value
from lit_prune.report.settings import MixtureSettings
from lit_prune.report.statistics import Floats, Summary, summarize
from lit_prune.report.tables import axis_texts, mean_and_std

SAME = 0.02  # tolerance of equal budgets: every model of a mixture has biases, which are not pruned


@dataclass(frozen=True)
class MixtureComparison:
    """The multitask models of a setting compared with the mixtures of their seeds.

    Attributes:
        axes: The setting.
        budgets: Stored parameters of each multitask model (seeds,), in units of one dense encoder's layers.
        scores: Score of each multitask model (seeds,).
        best: Highest score of mixtures of the same seed within the model's budget (seeds,), NaN if there are none.
        cheapest: Smallest budget of mixtures of the same seed with at least the model's score (seeds,), NaN if none.
        has_mixtures: True if any of the seeds has mixtures.
    """

    axes: Mapping[str, Value]
    budgets: Floats
    scores: Floats
    best: Floats
    cheapest: Floats
    has_mixtures: bool


def compare_with_mixtures(results: Results, settings: MixtureSettings, over: str) -> list[MixtureComparison]:
    """Compare every setting that has multitask models with mixtures, in the order of the results.

    Args:
        results: The runs.
        settings: The comparison.
        over: The axis that is averaged over.

    Raises:
        UserError: See `find_models` and `mix`.
    """
    models = find_models(results, settings, over)
    mixtures = mix(models)
    found = []
    for cell in split_cells(results, over):
        runs = [number for number in cell.runs if models.multitask[number]]
        if runs:
            of_seeds = [mixtures[models.seeds[number]] for number in runs]
            budgets, scores = models.budgets[runs], models.means[runs]
            best = np.array([each.best(budget * (1 + SAME)) for each, budget in zip(of_seeds, budgets, strict=True)])
            cheapest = np.array([each.cheapest(score) for each, score in zip(of_seeds, scores, strict=True)])
            has_mixtures = any(len(each.scores) for each in of_seeds)
            found.append(MixtureComparison(cell.axes, budgets, scores, best, cheapest, has_mixtures))
    return found


def multitask_table(found: Sequence[MixtureComparison], name: str, axes: Sequence[str], over: str) -> Table:
    """Return a table with a row per setting, and a note with the number of wins and losses of multitask models.

    Args:
        found: The settings.
        name: Name of the comparison.
        axes: Axes that identify a setting.
        over: The axis that is averaged over.
    """
    axes = [axis for axis in axes if any(axis in each.axes for each in found)]
    rows = [
        [
            *axis_texts(axes, each.axes),
            str(len(each.scores)),
            f"{each.budgets.mean():.3f}",
            mean_and_std(summarize(each.scores)),
            _seeds_text(each.best, mean_and_std, "none that small" if each.has_mixtures else NONE),
            _seeds_text(each.scores - each.best, _difference, NONE),
            _seeds_text(each.cheapest, _budget, "none" if each.has_mixtures else NONE),
        ]
        for each in found
    ]
    header = [*axes, f"{over}s", "budget", "score", "best mixture", "difference", "cheapest mixture as good"]
    notes = [_verdict(np.concatenate([each.scores - each.best for each in found]), over)] if found else []
    notes.append(
        "Budgets are stored parameters (kept by the mask of any task, without the masks' bits) in units of one dense "
        "encoder's layers; the budget of a mixture is the sum over its models. Scores are means of the tasks' metrics. "
        f"Best mixture: the best of the same {over} within the multitask model's budget (plus {SAME:.0%}); the last "
        "column is the smallest budget of a mixture with at least the same score. Mean ± standard deviation (ddof 1), "
        f"or mean [lowest, highest], over {over}s."
    )
    return Table(f"Multitask models against mixtures: {name}", header, rows, len(axes), notes)


def _verdict(gaps: Floats, over: str) -> str:
    """Return the numbers of pairs with a positive and a negative gap as text; gaps (pairs,), NaN without mixtures."""
    compared = gaps[~np.isnan(gaps)]
    num_left = len(gaps) - len(compared)
    left = f"; {num_left} more have no mixture that small, or none at all" if num_left else ""
    if not len(compared):
        return f"No multitask model can be compared: {num_left} have no mixture that small, or none at all."
    above, below = int((compared > 0).sum()), int((compared < 0).sum())
    return (
        f"Of {len(compared)} pairs of setting and {over} the multitask model is above the best mixture in {above} "
        f"({above / len(compared):.0%}), below it in {below} ({below / len(compared):.0%}){left}."
    )


def _seeds_text(values: Floats, form: Callable[[Summary], str], missing: str) -> str:
    """Return a summary of values (seeds,), with their number if some are NaN."""
    found = summarize(values)
    if found is None:
        return missing
    return form(found) + ("" if found.num == len(values) else f" ({found.num} of {len(values)})")


def _difference(found: Summary) -> str:
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _budget(found: Summary) -> str:
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
