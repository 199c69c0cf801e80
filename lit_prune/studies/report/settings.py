"""What a study's report is to show: `title` and `report` of its study.yaml, checked against its results."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from jsonargparse import ArgumentError, ArgumentParser
from numpy.typing import NDArray

from lit_prune.errors import UserError
from lit_prune.studies.report.naming import higher_is_better, is_share
from lit_prune.studies.report.results import Key, Results, as_text

Direction = Literal["max", "min"]  # which end of a number is better

MEAN = "mean"  # of the metrics of all tasks, where they are gathered

_PRINTED = ("metric", "value", "source")  # of a printed value, beside its axes and model
_SHOWN = 12  # known names in an error, at most


@dataclass(frozen=True)
class FigureSettings:
    """A figure: one panel for each metric.

    Attributes:
        name: The file is figures/<name>.png.
        x: What lines run along: an axis whose values are numbers, or a number of `metrics.json` that belongs to no set
            (`parameter_density`); shares are rounded to a percent.
        lines: The axis that has a line for each value; None: one line.
        metrics: As of the report; none: those.
        where: Axes and their values (or `model`): the runs that are shown.
        reference: The same for the runs that give level lines; 95% of each is drawn too.
        band: What is shaded around the mean: from the lowest to the highest value, or one standard deviation (ddof 1).
        statistic: What is shown of a point's runs: their mean, or their standard deviation (ddof 1).
        scale: Of x.
    """

    name: str
    x: str = "sparsity"
    lines: str | None = None
    metrics: list[str] = field(default_factory=list)
    where: dict[str, Any] = field(default_factory=dict)
    reference: dict[str, Any] = field(default_factory=dict)
    band: Literal["minmax", "std"] = "minmax"
    statistic: Literal["mean", "std"] = "mean"
    scale: Literal["linear", "log"] = "linear"


@dataclass(frozen=True)
class CurveSettings:
    """A figure of what runs logged at each step: one panel for each scalar.

    Attributes:
        name: The file is figures/<name>.png.
        scalars: TensorBoard's names, as `train/loss`.
        lines: The axis that has a line for each value; None: one line.
        where: Axes and their values: the runs that are shown.
    """

    name: str
    scalars: list[str] = field(default_factory=lambda: ["train/loss"])
    lines: str | None = None
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MixtureSettings:
    """A comparison of multitask models with mixtures of single-task models: a table and a figure.

    Attributes:
        name: The file is figures/<name>.png.
        metrics: One for each task, of which the higher is the better: a run that has one of them is a single-task
            model, a run that has all a multitask model.
        where: Axes and their values: the runs that are compared.
    """

    name: str
    metrics: list[str]
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportSettings:
    """A report.

    Attributes:
        over: The axis that is averaged over.
        metrics: `<task>/<split>/<metric>`, or a number that belongs to no set; none: the accuracy of every ID and OOD
            set.
        reference: Axes and their values (or `model`): what the results are compared with, other axes equal.
        rank: The axis whose values are ranked; None: no ranks.
        stability: The axis of methods whose means and standard deviations are ranked, a column for each of `metrics`,
            which are of a task each; None: none.
        gather: An axis of tasks: runs that differ in it alone are one row, each with the metrics of its own task; a row
            that has all of `metrics`, which are needed, has a further number `mean`, their plain mean; None: none.
        tuned: An axis whose values were tried (learning rates): each cell shows the one whose runs did best on
            validation, and the axis is gone; None: none.
        figures: The figures.
        curves: Figures of what runs logged.
        mixtures: Comparisons of multitask models with mixtures of single-task models.
        pareto: Metrics or numbers that belong to no set, and whether more of each is better (`max`) or less (`min`): a
            table has the settings that no other dominates; none: no table.
        printed: Values that a paper prints: each with axes, `model` (default `result`), `metric`, `value`, `source`.
    """

    over: str = "seed"
    metrics: list[str] = field(default_factory=list)
    reference: dict[str, Any] = field(default_factory=dict)
    rank: str | None = None
    stability: str | None = None
    gather: str | None = None
    tuned: str | None = None
    figures: list[FigureSettings] = field(default_factory=list)
    curves: list[CurveSettings] = field(default_factory=list)
    mixtures: list[MixtureSettings] = field(default_factory=list)
    pareto: dict[str, Direction] = field(default_factory=dict)
    printed: list[dict[str, Any]] = field(default_factory=list)


def read_settings(folder: Path) -> tuple[str, ReportSettings]:
    """The title and the report's settings; a folder without study.yaml has its name and the defaults.

    Raises:
        UserError: study.yaml is not yaml, or its report has a key or a value that is not known.
    """
    path = folder / "study.yaml"
    if not path.is_file():
        return folder.resolve().name, ReportSettings()
    try:
        study = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read ({' '.join(str(error).split())})") from error
    if not isinstance(study, dict):
        raise UserError(f"{path} is not a mapping: it has a title and a report")
    report = study.get("report") or {}
    _check_keys(report, ReportSettings, f"{path}: report")
    for each in report.get("figures") or []:
        _check_keys(each, FigureSettings, f"{path}: a figure of the report")
    for each in report.get("curves") or []:
        _check_keys(each, CurveSettings, f"{path}: a figure of curves of the report")
    for each in report.get("mixtures") or []:
        _check_keys(each, MixtureSettings, f"{path}: a mixture of the report")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--report", type=ReportSettings, default=ReportSettings())
    try:
        settings: ReportSettings = parser.instantiate(parser.parse_object({"report": report})).report
    except ArgumentError as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    return str(study.get("title") or folder.resolve().name), settings


def _check_keys(given: Any, settings: type, place: str) -> None:
    if not isinstance(given, dict):
        raise UserError(f"{place} is {given!r}, needed is a mapping")
    known = [each.name for each in fields(settings)]
    for key in given:
        if key not in known:
            raise UserError(f"{place} has no setting {key!r}: use {', '.join(known)}")


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
    figures = [FigureSettings(**{**vars(each), "metrics": each.metrics or metrics}) for each in settings.figures]
    complete = ReportSettings(**{**vars(settings), "metrics": metrics, "figures": figures})
    axes = [settings.over, settings.rank, settings.stability, settings.gather, settings.tuned]
    _check_axes(axes, results, "the report")
    if settings.gather is not None and not any("/" in name for name in settings.metrics):
        raise UserError(f"report.gather is {settings.gather!r} without metrics: name one of each task in metrics")
    for name in [*metrics, *settings.pareto]:
        _check_metric(name, results, settings)
    select(results, settings.reference)
    drawn: list[FigureSettings | CurveSettings | MixtureSettings] = [*figures, *settings.curves, *settings.mixtures]
    for name in (each.name for each in drawn):
        if not name or Path(name).name != name:
            raise UserError(f"a figure is called {name!r}: use a plain name, its file is figures/<name>.png")
    for curves in settings.curves:
        _check_axes([curves.lines], results, f"figure {curves.name}")
        select(results, curves.where)
    for figure in figures:
        axes = [figure.lines] if figure.x in results.numbers else [figure.x, figure.lines]
        _check_axes(axes, results, f"figure {figure.name}")
        for chosen in (figure.where, figure.reference):
            select(results, chosen)
        for name in figure.metrics:
            _check_metric(name, results, settings)
    for mixture in settings.mixtures:
        _check_mixture(mixture, results, settings)
    for printed in settings.printed:
        _check_printed(printed, results, settings)
    return complete


def select(results: Results, chosen: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which runs have these values of their axes (runs,); `model` among them says nothing about runs.

    Raises:
        UserError: an axis, a value of one or a model is not among the results.
    """
    found = np.ones(len(results.runs), dtype=bool)
    for axis, wanted in chosen.items():
        if axis == "model":
            _check(str(wanted), {key.model for key in results.keys}, "model")
            continue
        _check_axes([axis], results, "the report")
        values = [run.axes.get(axis) for run in results.runs]
        match = np.array([value is not None and value in (wanted, as_text(wanted)) for value in values])
        if not match.any():
            known = sorted({str(value) for value in values if value is not None})
            raise UserError(f"no run has {axis} {wanted}: its values are {_some(str(wanted), known)}")
        found &= match
    return found


def awaited(results: Results, chosen: Mapping[str, Any]) -> bool:
    """Whether there are runs that have these values of their axes, of which none is complete yet."""
    states = [run.status for run, there in zip(results.runs, select(results, chosen), strict=True) if there]
    return bool(states) and "completed" not in states


def _default_metrics(results: Results) -> list[str]:
    evaluated = sorted({key for key in results.keys if key.split.startswith(("id", "ood")) and key.model == "result"})
    return [key.name for key in evaluated if key.metric == "accuracy"] or [key.name for key in evaluated]


def _check_axes(axes: Iterable[str | None], results: Results, place: str) -> None:
    for axis in axes:
        if axis is not None and axis not in results.axes:
            raise UserError(f"{place} names the axis {axis!r}, which no run has: use {', '.join(results.axes)}")


def _check_metric(name: str, results: Results, settings: ReportSettings) -> None:
    if "/" not in name:
        _check(name, results.numbers | ({MEAN} if settings.gather is not None else set()), "number")
    elif Key.of("result", name).task in {key.task for key in results.keys} or _all_complete(results):
        _check(name, {key.name for key in results.keys if key.split}, "metric")


def _all_complete(results: Results) -> bool:
    return all(run.status == "completed" for run in results.runs)


def _check(name: str, known: set[str], kind: str) -> None:
    if name not in known:
        raise UserError(f"no run has the {kind} {name!r}: use {_some(name, sorted(known))}")


def _some(name: str, known: Sequence[str]) -> str:
    """All known names, or those that come closest."""
    if len(known) <= _SHOWN:
        return ", ".join(known)
    close = get_close_matches(name, known, n=_SHOWN, cutoff=0)
    return f"{', '.join(close)} or another of the {len(known)} in results.csv"


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
    select(results, {name: value for name, value in printed.items() if name not in _PRINTED})
    metric, value = printed["metric"], printed["value"]
    if not isinstance(value, int | float) or (is_share(metric) and not 0 <= value <= 1):
        raise UserError(f"the printed value {value!r} of {metric} is not in its unit: write shares between 0 and 1")
