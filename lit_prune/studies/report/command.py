"""`lit_prune report`: what a study's runs show, as files beside them and on the console."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jsonargparse import auto_cli
from rich.console import Console

from lit_prune.errors import UserError
from lit_prune.files import write_atomically
from lit_prune.studies.report.board import write_board
from lit_prune.studies.report.comparisons import compare, rank
from lit_prune.studies.report.multitask import duels, multitask_table
from lit_prune.studies.report.origins import costs_table, missing_table, mixture, origins_table, status_line
from lit_prune.studies.report.pareto import pareto_table, weigh
from lit_prune.studies.report.results import Results, read_results, write_results
from lit_prune.studies.report.settings import Direction, ReportSettings, complete_settings, read_settings
from lit_prune.studies.report.stability import spreads, stability_table
from lit_prune.studies.report.tables import (
    Table,
    cell_axes,
    differences_table,
    printed_table,
    ranks_table,
    results_table,
    spread_table,
)
from lit_prune.studies.report.tuned import choose

_MARK = "<!-- Written by lit_prune report, anew each time: do not edit. -->"
_CONSOLE_ROWS = 40
_FILE_WIDTH = 160  # of what is piped into a file


def run(arguments: Sequence[str]) -> None:
    """Report as the arguments of `lit_prune report` say."""
    auto_cli(report, args=list(arguments), prog="lit_prune report", exit_on_error=False)


def report(folder: str, pareto: dict[str, Direction] | None = None) -> None:
    """Show what the runs of a study show: tables here, all in report.md, results.csv, figures/ and tensorboard/.

    Args:
        folder: Folder of a study, or any folder with runs in it. Its study.yaml, if there is one, says what to show.
        pareto: In place of what that says: metrics and other numbers by which runs are not to be dominated, and which
            end of each is better, as `{sparsity: max, nli/id/accuracy: max}`.

    Raises:
        UserError: there are no runs, study.yaml names what they do not have, or the folder cannot be written.
    """
    place = Path(folder)
    results = read_results(place)
    target = place / "report.md"
    if target.exists() and not target.read_text(errors="replace").startswith(_MARK):
        raise UserError(f"{target} was not written by lit_prune report and is not overwritten: move it")
    title, given = read_settings(place)
    settings = complete_settings(given if pareto is None else replace(given, pareto=pareto), results)
    try:
        write_results(results, place)
        write_board(results, settings.metrics, place / "tensorboard")
        chosen, tried = choose(results, settings)
        captions = _draw(chosen, settings, place)
        shown, further = _tables(chosen, settings)
        further += [tried] if tried.rows else []
        parts = [_MARK, f"# {title}", status_line(results), *(table.markdown() for table in shown), *captions]
        text = "\n\n".join([*parts, *(table.markdown() for table in further)]) + "\n"
        write_atomically(target, lambda path: path.write_text(text))
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error}") from error
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    console.print(f"{title}: {status_line(results)}", highlight=False, markup=False)
    for table in shown:
        console.print(table.rich(_CONSOLE_ROWS))
    console.print(str(target), highlight=False, markup=False, soft_wrap=True)


def _tables(results: Results, settings: ReportSettings) -> tuple[list[Table], list[Table]]:
    """The tables for the console too, and those for the file alone; empty ones are left out."""
    over, axes = settings.over, cell_axes(results, settings)
    figures = [
        results_table(results, settings),
        differences_table(results, settings, compare(results, settings)),
        ranks_table(results, settings, rank(results, settings)),
        stability_table(spreads(results, settings), settings),
        *(multitask_table(duels(results, each, over), each.name, axes, over) for each in settings.mixtures),
        *([pareto_table(weigh(results, settings.pareto, over), axes, over)] if settings.pareto else []),
        printed_table(results, settings),
    ]
    warning = mixture(results)
    shown = [missing_table(results), *(replace(table, notes=[*table.notes, *warning]) for table in figures)]
    further = [spread_table(results, settings), costs_table(results, settings), origins_table(results)]
    return [table for table in shown if table.rows], [table for table in further if table.rows]


def _draw(results: Results, settings: ReportSettings, folder: Path) -> list[str]:
    found = spreads(results, settings)
    weighed = len(settings.pareto) == 2
    if not (settings.figures or settings.curves or settings.mixtures or found or weighed):
        return []
    # Not above: they take a second.
    from lit_prune.studies.report.budgets import draw_mixtures
    from lit_prune.studies.report.figures import draw
    from lit_prune.studies.report.scatter import draw_ranks
    from lit_prune.studies.report.tradeoff import draw_tradeoff
    from lit_prune.studies.report.training import draw_curves

    def place(name: str) -> Path:
        return folder / "figures" / f"{name}.png"

    captions = {each.name: draw(results, each, settings.over, place(each.name)) for each in settings.figures}
    captions |= {each.name: draw_curves(results, each, settings.over, place(each.name)) for each in settings.curves}
    captions |= {each.name: draw_mixtures(results, each, settings.over, place(each.name)) for each in settings.mixtures}
    if weighed:
        captions["pareto"] = draw_tradeoff(weigh(results, settings.pareto, settings.over), place("pareto"))
    if found is not None:
        captions["stability"] = draw_ranks(found, place("stability"))
    lines = ["## Figures"]
    for name, caption in captions.items():
        lines += [f"![{name}](figures/{name}.png)", caption]
    return lines
