"""Settings of a report: `title` and `report` of a study.yaml."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentError, ArgumentParser

from lit_prune.errors import UserError
from lit_prune.files import read_yaml

Direction = Literal["max", "min"]

MEAN = "mean"  # name of the mean over the tasks, if runs are gathered
MOST_PRIMARY = 3  # claims: each further one makes all harder to decide


def axis_names(lines: str | list[str] | None) -> list[str]:
    """Return the names of the axes in a setting that names one, several or none."""
    return [lines] if isinstance(lines, str) else lines or []


@dataclass(frozen=True)
class FigureSettings:
    """Settings of a figure with one panel per metric.

    Attributes:
        name: Name of the files figures/<name>.png and .pdf.
        x: A numeric axis, a number without a split in `metrics.json` (`stored_density`), of which fractions are rounded
            to a percent, or a metric (`nli/id/accuracy`), whose mean over the seeds is the x of a point.
        lines: The axis with one line per value, or several axes with one line per combination. None for a single line.
        metrics: Metrics, by default those of the report that the runs have.
        where: Values of axes (or `model`) that select the runs.
        reference: Values of axes (or `model`) of runs drawn as level lines, one for each of several values of an axis,
            with further lines at 95% of them.
        band: Shaded band around the mean: `minmax`, or one standard deviation (`std`, ddof 1).
        statistic: `mean` or `std` (ddof 1) of the runs of a point.
        scale: Scale of x.
    """

    name: str
    x: str = "sparsity"
    lines: str | list[str] | None = None
    metrics: list[str] = field(default_factory=list)
    where: dict[str, Any] = field(default_factory=dict)
    reference: dict[str, Any] = field(default_factory=dict)
    band: Literal["minmax", "std"] = "minmax"
    statistic: Literal["mean", "std"] = "mean"
    scale: Literal["linear", "log"] = "linear"

    @property
    def line_axes(self) -> list[str]:
        """The axes whose values distinguish the lines."""
        return axis_names(self.lines)


@dataclass(frozen=True)
class CurveSettings:
    """Settings of a figure of logged scalars over steps, with one panel per scalar.

    Attributes:
        name: Name of the files figures/<name>.png and .pdf.
        scalars: TensorBoard tags, such as `train/loss`.
        lines: The axis with one line per value, None for a single line.
        where: Values of axes that select the runs.
        since: A tag that a later phase logs first, such as `sparsity/total`: steps are counted from its first point,
            and earlier points are left out. None to count the steps of the whole run.
    """

    name: str
    scalars: list[str] = field(default_factory=lambda: ["train/loss"])
    lines: str | None = None
    where: dict[str, Any] = field(default_factory=dict)
    since: str | None = None


@dataclass(frozen=True)
class MixtureSettings:
    """Settings of a comparison of multitask models with mixtures of single-task models: a table and a figure.

    Attributes:
        name: Name of the files figures/<name>.png and .pdf.
        metrics: One metric per task, higher is better. A run with one of them is a single-task model, a run with all
            of them a multitask model.
        where: Values of axes that select the runs.
    """

    name: str
    metrics: list[str]
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MatchedSettings:
    """Settings of a comparison of methods at matched ID performance, over all evaluations: a table and a figure.

    Attributes:
        name: Name of the files figures/<name>.png and .pdf.
        id: The metric that is matched, such as `nli/id/accuracy`.
        ood: The metrics that are compared, such as `nli/ood/accuracy`.
        where: Values of axes that select the runs.
    """

    name: str
    id: str
    ood: list[str]
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReachedSettings:
    """A value of a metric to reach: a table of steps, seconds and memory until then, and a figure over the seconds.

    Attributes:
        name: Name of the files figures/<name>.png and .pdf.
        metric: `<task>/<split>/<metric>`.
        threshold: Value that the metric reaches: at least, or at most if lower values are better.
        where: Values of axes that select the runs.
    """

    name: str
    metric: str
    threshold: float
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClaimSettings:
    """A claim that some runs exceed a fraction of a reference in one metric.

    Attributes:
        says: The claim in words.
        source: Paper and section of the claim.
        metric: `<task>/<split>/<metric>`, or a number without a split.
        where: Values or lists of values of axes (or `model`) of the runs that the claim is about.
        reference: Values of axes (or `model`) of the runs to compare with, further axes equal.
        share: Fraction of the reference's metric to exceed.
        primary: Decide the claim by a test, if there are ten pairs of runs. At most three claims of a report, each
            about one cell, chosen before the runs. Other claims are exploratory.
    """

    says: str
    source: str
    metric: str
    where: dict[str, Any]
    reference: dict[str, Any]
    share: float = 1.0
    primary: bool = False


@dataclass(frozen=True)
class SolvedSettings:
    """A criterion by which a run has solved its task.

    Attributes:
        metric: `<task>/<split>/<metric>`, or a number without a split.
        threshold: Value that the metric reaches: at least, or at most if lower values are better.
    """

    metric: str
    threshold: float


@dataclass(frozen=True)
class ReportSettings:
    """Settings of a report.

    A report without `figures`, `curves`, `mixtures`, `matched` and `reached` has two default figures, `overview` and
    `progress`.

    Attributes:
        over: The axis that is averaged over.
        metrics: `<task>/<split>/<metric>`, or numbers without a split. Default: the accuracy on every ID and OOD set,
            of a task without accuracy the metric that selects its model.
        reference: Values of axes (or `model`) of the runs to compare with, further axes equal.
        rank: The axis whose values are ranked, None for no ranks.
        stability: The axis of methods whose means and standard deviations are ranked, with one metric per task, None
            for no such table.
        gather: The axis of tasks along which single-task runs are merged into one row. Needs `metrics`; a row that has
            all of them gets a further number `mean`. None for no merging.
        tuned: The axis of a tuned setting, such as a learning rate, or several axes of which each run has at most one:
            a cell shows the value that did best on validation. None if no setting was tuned.
        figures: Figures of metrics.
        curves: Figures of logged scalars.
        mixtures: Comparisons of multitask models with mixtures of single-task models.
        matched: Comparisons of methods at matched ID performance.
        reached: Values of metrics to reach, and what they cost.
        pareto: Directions (`max` or `min`) of metrics or numbers without a split, for a table of the settings that no
            other dominates. Default: no table.
        claims: Claims of papers to check on the runs.
        solved: A criterion by which the results table counts the runs that solve the task. If None, it has no such
            column.
        printed: Values printed in papers: axes, `model` (default `result`), `metric`, `value`, `std` if printed, and
            `source`.
    """

    over: str = "seed"
    metrics: list[str] = field(default_factory=list)
    reference: dict[str, Any] = field(default_factory=dict)
    rank: str | None = None
    stability: str | None = None
    gather: str | None = None
    tuned: str | list[str] | None = None
    figures: list[FigureSettings] = field(default_factory=list)
    curves: list[CurveSettings] = field(default_factory=list)
    mixtures: list[MixtureSettings] = field(default_factory=list)
    matched: list[MatchedSettings] = field(default_factory=list)
    reached: list[ReachedSettings] = field(default_factory=list)
    pareto: dict[str, Direction] = field(default_factory=dict)
    claims: list[ClaimSettings] = field(default_factory=list)
    solved: SolvedSettings | None = None
    printed: list[dict[str, Any]] = field(default_factory=list)


_PARTS: dict[str, tuple[type, str]] = {
    "figures": (FigureSettings, "figure"),
    "curves": (CurveSettings, "figure of curves"),
    "mixtures": (MixtureSettings, "mixture"),
    "matched": (MatchedSettings, "matched comparison"),
    "reached": (ReachedSettings, "value to reach"),
    "claims": (ClaimSettings, "claim"),
}


def read_settings(folder: Path) -> tuple[str, ReportSettings]:
    """Read title and report settings of a study; without study.yaml, return the folder's name and the defaults.

    Raises:
        UserError: study.yaml cannot be parsed, or its report has an unknown key or an invalid value.
    """
    path = folder / "study.yaml"
    if not path.is_file():
        return folder.resolve().name, ReportSettings()
    study = read_yaml(path)
    report = _check_keys(study.get("report") or {}, ReportSettings, f"{path}: report")
    for key, (kind, name) in _PARTS.items():
        if isinstance(parts := report.get(key), list):
            report[key] = [_check_keys(part, kind, f"{path}: a {name} of the report") for part in parts]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--report", type=ReportSettings, default=ReportSettings())
    try:
        settings: ReportSettings = parser.instantiate(parser.parse_object({"report": report})).report
    except ArgumentError as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    num_primary = sum(claim.primary for claim in settings.claims)
    if num_primary > MOST_PRIMARY:
        raise UserError(
            f"primary claims of {path} must be at most {MOST_PRIMARY}, got {num_primary}: leave the others exploratory"
        )
    return str(study.get("title") or folder.resolve().name), settings


def _check_keys(values: Any, settings: type, place: str) -> dict[str, Any]:
    """Check that all keys are settings, and return the values without null, which stands for the default."""
    if not isinstance(values, dict):
        raise UserError(f"{place} must be a mapping, got {values!r}: name settings and their values")
    known = [each.name for each in fields(settings)]
    for key in values:
        if key not in known:
            raise UserError(f"unknown setting {key!r} of {place}: choose from {', '.join(known)}")
    return {key: value for key, value in values.items() if value is not None}
