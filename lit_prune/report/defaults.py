"""Checks and defaults of a report's settings, given the results of the study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lit_prune.errors import UserError
from lit_prune.report.naming import higher_is_better, is_share
from lit_prune.report.results import Key, Results
from lit_prune.report.selection import check_axes, check_known, select
from lit_prune.report.settings import (
    MEAN,
    CurveSettings,
    FigureSettings,
    MatchedSettings,
    MixtureSettings,
    ReachedSettings,
    ReportSettings,
    axis_names,
)

_PRINTED = ("metric", "value", "source")  # required keys of a printed value


def complete_settings(settings: ReportSettings, results: Results) -> ReportSettings:
    """Fill in defaults of the settings from the results and check them.

    Metrics of a task that no complete run has are accepted while some runs are incomplete.

    Raises:
        UserError: No run is complete, or a setting names an unknown axis, value, model or metric.
    """
    if not any(key.split for key in results.keys):
        raise UserError("a report must have a complete run, got none: run the study first")
    metrics = settings.metrics or _default_metrics(results)
    figures = [
        FigureSettings(**{**vars(each), "metrics": each.metrics or _metrics_of(each.where, metrics, results)})
        for each in settings.figures
    ]
    complete = ReportSettings(**{**vars(settings), "metrics": metrics, "figures": figures})
    axes = [settings.over, settings.rank, settings.stability, settings.gather, *axis_names(settings.tuned)]
    check_axes(axes, results, "the report")
    if settings.gather is not None and not any("/" in name for name in settings.metrics):
        raise UserError(
            f"report.metrics must be set with report.gather={settings.gather!r}, got none: name one metric of each task"
        )
    for name in [*metrics, *settings.pareto, *([settings.solved.metric] if settings.solved else [])]:
        _check_metric(name, results, settings)
    select(results, settings.reference)
    drawn: list[FigureSettings | CurveSettings | MixtureSettings | MatchedSettings | ReachedSettings]
    drawn = [*figures, *settings.curves, *settings.mixtures, *settings.matched, *settings.reached]
    for name in (each.name for each in drawn):
        if not name or Path(name).name != name:
            raise UserError(f"a figure's name must be a file name, got {name!r}: its file is figures/<name>.png")
    for curves in settings.curves:
        if not curves.scalars:
            raise UserError(f"scalars of figure {curves.name} must be TensorBoard tags, got none: name one")
        check_axes([curves.lines], results, f"figure {curves.name}")
        select(results, curves.where)
    for figure in figures:
        if not figure.metrics:
            raise UserError(f"metrics of figure {figure.name} must be metrics of a run, got none: name one")
        is_axis = figure.x not in results.numbers and "/" not in figure.x
        check_axes([figure.x] * is_axis + figure.line_axes, results, f"figure {figure.name}")
        for chosen in (figure.where, figure.reference):
            select(results, chosen)
        for name in [figure.x] * ("/" in figure.x) + figure.metrics:
            _check_metric(name, results, settings)
    for mixture in settings.mixtures:
        _check_mixture(mixture, results, settings)
    for matched in settings.matched:
        _check_matched(matched, results, settings)
    for reached in settings.reached:
        select(results, reached.where)
        if "/" not in reached.metric:
            raise UserError(f"metric of {reached.name} must be a metric of a set, got {reached.metric}: choose another")
        _check_metric(reached.metric, results, settings)
    for claim in settings.claims:
        if not claim.reference:
            raise UserError(
                f"reference of the claim {claim.says!r} must be set, got none: name the runs to compare with"
            )
        _check_metric(claim.metric, results, settings)
        for chosen in (claim.where, claim.reference):
            select(results, chosen)
    for printed in settings.printed:
        _check_printed(printed, results, settings)
    return complete


def _default_metrics(results: Results) -> list[str]:
    """Return the accuracy on every set, or its selection metric for a task without accuracy, or else all metrics.

    OOD sets have their AUROC too: a shifted threshold changes the accuracy, but not the ranking.
    """
    evaluated = sorted({key for key in results.keys if key.split.startswith(("id", "ood")) and key.model == "result"})
    selection = {task: metric for run in results.runs for task, metric in run.selection.items()}
    names = []
    for task in dict.fromkeys(key.task for key in evaluated):
        keys = [key for key in evaluated if key.task == task]
        chosen = ([key for key in keys if key.metric == wanted] for wanted in ("accuracy", selection.get(task)))
        for key in next((each for each in chosen if each), keys):
            auroc = key._replace(metric="auroc")
            names += [key.name, *([auroc.name] if key.split.startswith("ood") and auroc in keys else [])]
    return names


def _metrics_of(where: Mapping[str, Any], metrics: list[str], results: Results) -> list[str]:
    """Return the metrics that a run with these values of its axes has, all metrics if no run has any yet."""
    selected, model = select(results, where), str(where.get("model", "result"))
    return [name for name in metrics if not np.isnan(results.column(model, name)[selected]).all()] or metrics


def _check_metric(name: str, results: Results, settings: ReportSettings) -> None:
    if "/" not in name:
        check_known(name, results.numbers | ({MEAN} if settings.gather is not None else set()), "number")
    elif Key.of("result", name).task in {key.task for key in results.keys} or _all_complete(results):
        check_known(name, {key.name for key in results.keys if key.split}, "metric")


def _all_complete(results: Results) -> bool:
    return all(run.status == "completed" for run in results.runs)


def _check_mixture(mixture: MixtureSettings, results: Results, settings: ReportSettings) -> None:
    select(results, mixture.where)
    if len(set(mixture.metrics)) < max(2, len(mixture.metrics)):
        raise UserError(
            f"metrics of mixture {mixture.name} must be two or more, got {mixture.metrics}: name one per task"
        )
    for name in mixture.metrics:
        _check_metric(name, results, settings)
        if not higher_is_better(name):
            raise UserError(
                f"metrics of mixture {mixture.name} must be better when higher, got {name}: scores are their means"
            )


def _check_matched(matched: MatchedSettings, results: Results, settings: ReportSettings) -> None:
    select(results, matched.where)
    if not matched.ood:
        raise UserError(f"ood of {matched.name} must be metrics of a run, got none: name one")
    for name in (matched.id, *matched.ood):
        _check_metric(name, results, settings)
        if "/" not in name:
            raise UserError(f"id and ood of {matched.name} must be metrics of sets, got {name}: choose others")


def _check_printed(printed: Mapping[str, Any], results: Results, settings: ReportSettings) -> None:
    missing = [name for name in _PRINTED if name not in printed]
    if missing:
        raise UserError(
            f"a printed value must have {', '.join(_PRINTED)}, got {dict(printed)}: add {', '.join(missing)}"
        )
    _check_metric(printed["metric"], results, settings)
    select(results, {name: value for name, value in printed.items() if name not in (*_PRINTED, "std")})
    metric = printed["metric"]
    for value in (printed["value"], printed.get("std", 0.0)):
        if not isinstance(value, int | float) or (is_share(metric) and not 0 <= value <= 1):
            raise UserError(
                f"a printed value of {metric} must be a number, got {value!r}: write fractions, not percent"
            )
