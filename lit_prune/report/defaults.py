"""A report's settings checked against a study's results, and completed from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lit_prune.errors import UserError
from lit_prune.report.naming import higher_is_better, is_share
from lit_prune.report.results import Key, Results
from lit_prune.report.selection import check_axes, check_known, select
from lit_prune.report.settings import MEAN, CurveSettings, FigureSettings, MixtureSettings, ReportSettings

_PRINTED = ("metric", "value", "source")  # of a printed value, beside its axes, model and std


def complete_settings(settings: ReportSettings, results: Results) -> ReportSettings:
    """The settings with their defaults filled in from the results.

    Metrics of a task that no complete run knows are taken as they are while other runs are not complete.

    Raises:
        UserError: no run is complete, an axis, a value of one, a model or a metric is not among the results, or tasks
            are to be gathered of which no metric is named.
    """
    if not any(key.split for key in results.keys):
        raise UserError("no run of the study is complete: there is nothing to report yet")
    metrics = settings.metrics or _default_metrics(results)
    figures = [
        FigureSettings(**{**vars(each), "metrics": each.metrics or _metrics_of(each.where, metrics, results)})
        for each in settings.figures
    ]
    complete = ReportSettings(**{**vars(settings), "metrics": metrics, "figures": figures})
    axes = [settings.over, settings.rank, settings.stability, settings.gather, settings.tuned]
    check_axes(axes, results, "the report")
    if settings.gather is not None and not any("/" in name for name in settings.metrics):
        raise UserError(f"report.gather is {settings.gather!r} without metrics: name one of each task in metrics")
    for name in [*metrics, *settings.pareto]:
        _check_metric(name, results, settings)
    select(results, settings.reference)
    drawn: list[FigureSettings | CurveSettings | MixtureSettings] = [*figures, *settings.curves, *settings.mixtures]
    for name in (each.name for each in drawn):
        if not name or Path(name).name != name:
            raise UserError(f"a figure is called {name!r}: use a plain name, its files are figures/<name>.png and .pdf")
    for curves in settings.curves:
        check_axes([curves.lines], results, f"figure {curves.name}")
        select(results, curves.where)
    for figure in figures:
        axes = [figure.lines] if figure.x in results.numbers else [figure.x, figure.lines]
        check_axes(axes, results, f"figure {figure.name}")
        for chosen in (figure.where, figure.reference):
            select(results, chosen)
        for name in figure.metrics:
            _check_metric(name, results, settings)
    for mixture in settings.mixtures:
        _check_mixture(mixture, results, settings)
    for claim in settings.claims:
        if not claim.reference:
            raise UserError(f"the claim {claim.says!r} has an empty reference: name the runs that it is compared with")
        _check_metric(claim.metric, results, settings)
        for chosen in (claim.where, claim.reference):
            select(results, chosen)
    for printed in settings.printed:
        _check_printed(printed, results, settings)
    return complete


def _default_metrics(results: Results) -> list[str]:
    evaluated = sorted({key for key in results.keys if key.split.startswith(("id", "ood")) and key.model == "result"})
    return [key.name for key in evaluated if key.metric == "accuracy"] or [key.name for key in evaluated]


def _metrics_of(where: Mapping[str, Any], metrics: list[str], results: Results) -> list[str]:
    """Those of the metrics that a run with these values of its axes has; all, where none has any yet."""
    chosen, model = select(results, where), str(where.get("model", "result"))
    return [name for name in metrics if not np.isnan(results.column(model, name)[chosen]).all()] or metrics


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
        raise UserError(f"mixture {mixture.name} has the metrics {mixture.metrics}: name one for each of several tasks")
    for name in mixture.metrics:
        _check_metric(name, results, settings)
        if not higher_is_better(name):
            raise UserError(f"mixture {mixture.name}: more of {name} is not better: its scores are means of what is")


def _check_printed(printed: Mapping[str, Any], results: Results, settings: ReportSettings) -> None:
    missing = [name for name in _PRINTED if name not in printed]
    if missing:
        raise UserError(f"the printed value {dict(printed)} lacks {', '.join(missing)}")
    _check_metric(printed["metric"], results, settings)
    select(results, {name: value for name, value in printed.items() if name not in (*_PRINTED, "std")})
    metric = printed["metric"]
    for value in (printed["value"], printed.get("std", 0.0)):
        if not isinstance(value, int | float) or (is_share(metric) and not 0 <= value <= 1):
            raise UserError(f"the printed value {value!r} of {metric} is not in its unit: write shares between 0 and 1")
