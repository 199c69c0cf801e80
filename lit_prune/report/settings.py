"""What a study's report is to show: `title` and `report` of its study.yaml."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentError, ArgumentParser

from lit_prune.errors import UserError
from lit_prune.files import read_yaml

Direction = Literal["max", "min"]  # which end of a number is better

MEAN = "mean"  # of the metrics of all tasks, where they are gathered


@dataclass(frozen=True)
class FigureSettings:
    """A figure: one panel for each metric.

    Attributes:
        name: The files are figures/<name>.png and .pdf.
        x: What lines run along: an axis whose values are numbers, or a number of `metrics.json` that belongs to no set
            (`stored_density`); shares are rounded to a percent.
        lines: The axis that has a line for each value; None: one line.
        metrics: As of the report; none: those of them that the runs have.
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
        name: The files are figures/<name>.png and .pdf.
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
        name: The files are figures/<name>.png and .pdf.
        metrics: One for each task, of which the higher is the better: a run that has one of them is a single-task
            model, a run that has all a multitask model.
        where: Axes and their values: the runs that are compared.
    """

    name: str
    metrics: list[str]
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClaimSettings:
    """A claim: that a metric is higher in some runs than in others, or than a share of it in others.

    Attributes:
        says: The claim in words.
        source: Who makes it, and where.
        metric: `<task>/<split>/<metric>`, or a number that belongs to no set.
        where: Axes and their values, or lists of values (or `model`): the runs that it is about.
        reference: The same for the runs that they are compared with, other axes equal.
        share: What is to be exceeded: this much of the reference's metric.
    """

    says: str
    source: str
    metric: str
    where: dict[str, Any]
    reference: dict[str, Any]
    share: float = 1.0


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
        claims: What papers claim, judged by these runs.
        printed: Values that a paper prints: each with axes, `model` (default `result`), `metric`, `value` and, if it is
            printed too, `std`, and `source`.
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
    claims: list[ClaimSettings] = field(default_factory=list)
    printed: list[dict[str, Any]] = field(default_factory=list)


_PARTS: dict[str, tuple[type, str]] = {
    "figures": (FigureSettings, "figure"),
    "curves": (CurveSettings, "figure of curves"),
    "mixtures": (MixtureSettings, "mixture"),
    "claims": (ClaimSettings, "claim"),
}


def read_settings(folder: Path) -> tuple[str, ReportSettings]:
    """The title and the report's settings; a folder without study.yaml has its name and the defaults.

    Raises:
        UserError: study.yaml is not yaml, or its report has a key or a value that is not known.
    """
    path = folder / "study.yaml"
    if not path.is_file():
        return folder.resolve().name, ReportSettings()
    study = read_yaml(path)
    report = _given(study.get("report") or {}, ReportSettings, f"{path}: report")
    for key, (kind, what) in _PARTS.items():
        if isinstance(parts := report.get(key), list):
            report[key] = [_given(each, kind, f"{path}: a {what} of the report") for each in parts]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--report", type=ReportSettings, default=ReportSettings())
    try:
        settings: ReportSettings = parser.instantiate(parser.parse_object({"report": report})).report
    except ArgumentError as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    return str(study.get("title") or folder.resolve().name), settings


def _given(given: Any, settings: type, place: str) -> dict[str, Any]:
    """Return the values that are set; null stands for the default."""
    if not isinstance(given, dict):
        raise UserError(f"{place} is {given!r}, needed is a mapping")
    known = [each.name for each in fields(settings)]
    for key in given:
        if key not in known:
            raise UserError(f"{place} has no setting {key!r}: use {', '.join(known)}")
    return {key: value for key, value in given.items() if value is not None}
