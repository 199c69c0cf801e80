"""Tables of a report: results, spread, differences, ranks and printed values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lit_prune.display.markup import Bold, printable
from lit_prune.display.table import NONE, Table
from lit_prune.report.cells import Cell, begun_cells, completion_text
from lit_prune.report.comparisons import Difference, Ranks
from lit_prune.report.naming import MODELS, column_title, metric_label, sign, value_text
from lit_prune.report.results import Results
from lit_prune.report.run import Value
from lit_prune.report.selection import select
from lit_prune.report.settings import ReportSettings, SolvedSettings
from lit_prune.report.statistics import LEVEL, RESAMPLES, Summary, summarize
from lit_prune.report.supervision import supervision_text

_SPARSITY = "sparsity"
_LONGEST = 48  # characters of a label in a figure
_NAMES = ("experiment", "name", "run")  # axes whose values need no axis beside them


def cell_axes(results: Results, settings: ReportSettings) -> list[str]:
    """Return the axes that identify a cell."""
    return [axis for axis in results.axes if axis != settings.over]


def axis_texts(axes: Sequence[str], values: Mapping[str, Value]) -> list[str]:
    """Return the texts of the values of axes."""
    return [value_text(axis, values.get(axis)) for axis in axes]


def cell_label(axes: Sequence[str], values: Mapping[str, Value]) -> str:
    """Return a cell's label in a figure, shortened: `srnet_poe, sparsity 70%`; names stand without their axis."""
    found = {axis: values[axis] for axis in axes if axis in values}
    texts = {axis: value_text(axis, value) for axis, value in found.items()}
    label = printable(", ".join(text if axis in _NAMES else f"{axis} {text}" for axis, text in texts.items()))
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


def results_table(results: Results, settings: ReportSettings) -> Table:
    """Return a table of means and standard deviations of the metrics, a row per cell and model.

    It has a column with the sparsity of each model, unless sparsity is an axis of all cells or a metric of the report,
    a column with the supervision of each model if the runs recorded it, and one with the number of runs that solve the
    task, if the report sets when one does.
    """
    axes = cell_axes(results, settings)
    found = list(_summaries(results, settings))
    columns = {
        number: column_title(name)
        for number, name in enumerate(settings.metrics)
        if any(figures[number] is not None for _, _, figures in found)
    }
    sparsities = [_sparsity(results, cell, model) for cell, model, _ in found]
    has_sparsities = (
        any(sparsities)
        and _SPARSITY not in settings.metrics
        and any(_SPARSITY not in cell.axes for cell, _, _ in found)
    )
    supervisions = [supervision_text((results.runs[number] for number in cell.runs), model) for cell, model, _ in found]
    has_supervisions = any(supervisions)
    rows = [
        [
            *axis_texts(axes, cell.axes),
            _model(model),
            *([supervision or NONE] if has_supervisions else []),
            completion_text(results, cell),
            *([sparsity or NONE] if has_sparsities else []),
            *(mean_and_std(figures[number]) for number in columns),
            *([] if settings.solved is None else [_num_solved(results, cell, model, settings.solved)]),
        ]
        for (cell, model, figures), sparsity, supervision in zip(found, sparsities, supervisions, strict=True)
    ]
    header = [
        *[*axes, "model", *(["supervision"] if has_supervisions else []), f"{settings.over}s"],
        *(["sparsity reached"] if has_sparsities else []),
        *columns.values(),
    ]
    header += [] if settings.solved is None else ["solved"]
    has_spread = any(each is not None and each.num > 1 for _, _, figures in found for each in figures)
    notes = [f"Mean ± standard deviation (ddof 1) over {settings.over}s."] if has_spread else []
    if (solved := settings.solved) is not None:
        bound = "most" if sign(solved.metric) < 0 else "least"
        notes.append(f"Solved: {metric_label(solved.metric)} of at {bound} {solved.threshold:g}.")
    return Table("Results", header, rows, len(axes) + 1 + has_supervisions, notes)


def _sparsity(results: Results, cell: Cell, model: str) -> str | None:
    """Return the mean sparsity of a model as text, None if it was not recorded."""
    found = summarize(results.column("dense" if model == "dense_shifted" else model, _SPARSITY)[list(cell.runs)])
    return None if found is None else f"{found.mean:.1%}"


def _num_solved(results: Results, cell: Cell, model: str, solved: SolvedSettings) -> str:
    """Return how many of the runs with the metric solve the task, as text."""
    values = results.column(model, solved.metric)[list(cell.runs)]
    values = sign(solved.metric) * values[~np.isnan(values)]
    return f"{(values >= sign(solved.metric) * solved.threshold).sum()} of {len(values)}" if len(values) else NONE


def spread_table(results: Results, settings: ReportSettings) -> Table:
    """Return a table of mean, standard deviation and extremes, a row per metric, cell and model of several runs."""
    axes = cell_axes(results, settings)
    summaries = list(_summaries(results, settings))
    rows = [
        [metric_label(metric), *axis_texts(axes, cell.axes), _model(model), *_spread(found)]
        for number, metric in enumerate(settings.metrics)
        for cell, model, figures in summaries
        if (found := figures[number]) is not None and found.num > 1
    ]
    header = ["metric", *axes, "model", "mean", "std (ddof 1)", "min", "max", f"{settings.over}s"]
    return Table("Spread", header, rows, len(axes) + 2)


def differences_table(results: Results, settings: ReportSettings, found: Sequence[Difference]) -> Table:
    """Return a table of paired differences from the reference with their intervals."""
    axes = cell_axes(results, settings)
    rows = []
    for each in found:
        names = [*axis_texts(axes, each.cell.axes), metric_label(each.metric)]
        rows.append([*names, f"{each.mean:+.3f}", *interval_texts(each), str(each.num)])
    header = [*axes, "metric", "difference", f"{LEVEL:.0%} interval", "over", "pairs"]
    notes = [
        f"Each result minus the reference's with the same {settings.over} and other axes. {intervals_note(settings)} "
        "Bold: 0 lies outside, and there are two pairs or more."
    ]
    reference = ", ".join(f"{axis} {value_text(axis, value)}" for axis, value in settings.reference.items())
    return Table(f"Differences from {reference}", header, rows, len(axes) + 1, notes)


def intervals_note(settings: ReportSettings) -> str:
    """Return a note on how intervals of differences are computed."""
    return (
        f"Intervals over {settings.over}s are Student's; intervals over rows, if all runs left predictions of the same "
        f"rows, are percentiles of {RESAMPLES:,} bootstrap samples; intervals over both have the squares of both "
        "widths added."
    )


def interval_texts(found: Difference) -> list[str]:
    """Return the interval of a difference, bold if 0 is outside and there are several pairs, and its units."""
    if found.interval is None:
        return [NONE, NONE]
    low, high = found.interval
    text = f"[{low:+.3f}, {high:+.3f}]"
    return [Bold(text) if found.num > 1 and (low > 0 or high < 0) else text, found.over]


def ranks_table(results: Results, settings: ReportSettings, found: Sequence[Ranks]) -> Table:
    """Return a table of mean ranks of methods."""
    axes = [axis for axis in cell_axes(results, settings) if axis != settings.rank]
    methods = list(dict.fromkeys(method for each in found for method in each.methods))
    rows = []
    for each in found:
        ranks = dict(zip(each.methods, each.ranks, strict=True))
        figures = (ranks.get(method, np.nan) for method in methods)
        texts = [NONE if np.isnan(figure) else f"{figure:.2f}" for figure in figures]
        rows.append([*axis_texts(axes, each.axes), metric_label(each.metric), *texts, str(each.num)])
    header = [*axes, "metric", *(value_text(str(settings.rank), method) for method in methods), f"{settings.over}s"]
    notes = [f"Mean rank over the {settings.over}s that have every method; 1 is best, ties share their ranks."]
    return Table(f"Ranks of {settings.rank}", header, rows, len(axes) + 1, notes)


def printed_table(results: Results, settings: ReportSettings) -> Table:
    """Return a table of values printed in papers beside those of the runs, a row per printed value and cell."""
    axes = cell_axes(results, settings)
    cells = begun_cells(results, settings.over)
    rows = []
    for printed in settings.printed:
        selected = select(results, {name: value for name, value in printed.items() if name in results.axes})
        rows += [_printed(results, axes, printed, cell) for cell in cells if selected[list(cell.runs)].any()]
    header = [*axes, "model", "metric", "printed", "ours", "ours - printed", f"{settings.over}s", "source"]
    return Table("Beside the printed values", header, rows, len(axes) + 2)


def _printed(results: Results, axes: Sequence[str], printed: Mapping[str, Any], cell: Cell) -> list[str]:
    model, metric, value = printed.get("model", "result"), printed["metric"], printed["value"]
    ours = summarize(results.column(model, metric)[list(cell.runs)])
    gap = NONE if ours is None else f"{ours.mean - value:+.3f}"
    names = [*axis_texts(axes, cell.axes), _model(model), metric_label(metric)]
    std = f" ± {printed['std']:.3f}" if "std" in printed else ""
    return [
        *names,
        f"{value:.3f}{std}",
        mean_and_std(ours),
        gap,
        completion_text(results, cell),
        str(printed["source"]),
    ]


def _summaries(results: Results, settings: ReportSettings) -> Iterator[tuple[Cell, str, list[Summary | None]]]:
    """Yield cells, models that have any of the metrics, and summaries; a cell without metrics yields its result.

    Models that the rounds of a run share are those of its result alone.
    """
    models = [model for model in MODELS if any(key.model == model for key in results.keys)]
    for cell in begun_cells(results, settings.over):
        runs = list(cell.runs)
        of_cell = ["result"] if all(results.runs[number].files for number in runs) else models
        found = {
            model: [summarize(results.column(model, name)[runs]) for name in settings.metrics] for model in of_cell
        }
        found = {model: figures for model, figures in found.items() if any(figures)}
        for model, figures in (found or {"result": [None] * len(settings.metrics)}).items():
            yield cell, model, figures


def _model(name: str) -> str:
    return MODELS.get(name, name)


def mean_and_std(found: Summary | None) -> str:
    """Return a text such as `0.812 ± 0.004`, the plain number of a single run, or `-` for None."""
    if found is None:
        return NONE
    return f"{found.mean:.3f}" + (f" ± {found.std:.3f}" if found.num > 1 else "")


def _spread(found: Summary) -> list[str]:
    return [*(f"{value:.4f}" for value in (found.mean, found.std, found.low, found.high)), str(found.num)]
