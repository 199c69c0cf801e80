"""Multitask models beside the best mixtures of single-task models that need no more (Xia & Shin 2021, Fig. 2)."""

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

SAME = 0.02  # of a budget: what needs so much more has the same (each model of a mixture has biases, which stay)


@dataclass(frozen=True)
class Duel:
    """The multitask models of a setting beside the mixtures of their seeds.

    Attributes:
        axes: The setting.
        budgets: Stored parameters of each model (seeds,), in units of one dense encoder's layers.
        scores: Of each model (seeds,).
        best: The highest score of a mixture of its seed and its budget or less (seeds,), NaN where none is that small.
        cheapest: The smallest budget of a mixture of its seed that scores as high (seeds,), NaN where none does.
        mixed: Whether any of its seeds has mixtures.
    """

    axes: Mapping[str, Value]
    budgets: Floats
    scores: Floats
    best: Floats
    cheapest: Floats
    mixed: bool


def duels(results: Results, settings: MixtureSettings, over: str) -> list[Duel]:
    """Every setting that has multitask models, in the order of the results.

    Args:
        results: The runs.
        settings: What is compared.
        over: The axis that is averaged over.

    Raises:
        UserError: as of `find_models` and `mix`.
    """
    models = find_models(results, settings, over)
    mixtures = mix(models)
    found = []
    for cell in split_cells(results, over):
        runs = [number for number in cell.runs if models.multitask[number]]
        if runs:
            own = [mixtures[models.seeds[number]] for number in runs]
            budgets, scores = models.budgets[runs], models.means[runs]
            best = [each.best(budget * (1 + SAME)) for each, budget in zip(own, budgets, strict=True)]
            cheapest = [each.cheapest(score) for each, score in zip(own, scores, strict=True)]
            mixed = any(len(each.scores) for each in own)
            found.append(Duel(cell.axes, budgets, scores, np.array(best), np.array(cheapest), mixed))
    return found


def multitask_table(found: Sequence[Duel], name: str, axes: Sequence[str], over: str) -> Table:
    """A row per setting, and in how many of all pairs of setting and seed which side is above.

    Args:
        found: The settings.
        name: Of the comparison.
        axes: Those that name a setting.
        over: The axis that is averaged over.
    """
    axes = [axis for axis in axes if any(axis in each.axes for each in found)]
    rows = [
        [
            *axis_texts(axes, each.axes),
            str(len(each.scores)),
            f"{each.budgets.mean():.3f}",
            mean_and_std(summarize(each.scores)),
            _told(each.best, mean_and_std, "none that small" if each.mixed else NONE),
            _told(each.scores - each.best, _difference, NONE),
            _told(each.cheapest, _budget, "none" if each.mixed else NONE),
        ]
        for each in found
    ]
    header = [*axes, f"{over}s", "budget", "score", "best mixture", "difference", "cheapest mixture as good"]
    notes = [_verdict(np.concatenate([each.scores - each.best for each in found]), over)] if found else []
    notes.append(
        "Budgets are parameters stored (what any task's mask keeps, without the masks' bits) in units of one dense "
        "encoder's layers, that of a mixture is the sum of its models'; scores are "
        f"means of the tasks' metrics. Best mixture: of the same {over} and of the multitask model's budget (up to "
        f"{SAME:.0%} more count as the same) or less; the last column is the smallest budget of a mixture that scores "
        f"as high. Mean ± standard deviation (ddof 1), or mean [lowest, highest], over {over}s."
    )
    return Table(f"Multitask models against mixtures: {name}", header, rows, len(axes), notes)


def _verdict(gaps: Floats, over: str) -> str:
    """In how many pairs the multitask model is above or below; gaps (pairs,) are NaN where there is no mixture."""
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


def _told(values: Floats, form: Callable[[Summary], str], nothing: str) -> str:
    """Values (seeds,) in words, and how many there are where some are NaN."""
    found = summarize(values)
    if found is None:
        return nothing
    return form(found) + ("" if found.num == len(values) else f" ({found.num} of {len(values)})")


def _difference(found: Summary) -> str:
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _budget(found: Summary) -> str:
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
