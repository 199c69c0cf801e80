"""`lit_prune report`: summarise the runs of a study, as files in its folder and on the console."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

from lit_prune.commands.parser import command_parser
from lit_prune.display.console import wide_console
from lit_prune.display.markup import in_markdown, on_console, paragraph
from lit_prune.display.table import Table
from lit_prune.errors import UserError
from lit_prune.files import write_atomically
from lit_prune.report.board import write_board
from lit_prune.report.claims import Judgement, claims_table, judge
from lit_prune.report.comparisons import compare, rank
from lit_prune.report.defaults import complete_settings
from lit_prune.report.gather import gather
from lit_prune.report.matched import match, matched_table
from lit_prune.report.multitask import compare_with_mixtures, multitask_table
from lit_prune.report.origins import (
    costs_table,
    missing_table,
    origins_table,
    planned_table,
    status_line,
    version_warnings,
)
from lit_prune.report.page import page
from lit_prune.report.pareto import pareto_table, weigh
from lit_prune.report.reached import reached_table, read_arms
from lit_prune.report.results import Results, read_results, write_results
from lit_prune.report.selection import is_pending
from lit_prune.report.settings import Direction, ReportSettings, read_settings
from lit_prune.report.stability import spreads, stability_tables
from lit_prune.report.tables import (
    cell_axes,
    differences_table,
    printed_table,
    ranks_table,
    results_table,
    spread_table,
)
from lit_prune.report.tuned import select_tuned

_MARK = "<!-- Written by lit_prune report, anew each time: do not edit. -->"
_CONSOLE_ROWS = 40


def run(arguments: Sequence[str]) -> None:
    """Write a report with the arguments of `lit_prune report`."""
    parser = command_parser(
        "report",
        "Summarise the runs of a study, or of any folder: tables on the console, the full report in report.md and "
        "report.html.",
        "lit_prune report logs/studies/my_study",
    )
    parser.add_function_arguments(report, as_group=False, as_positional=True)
    report(**parser.parse_args(list(arguments)).as_dict())


def report(folder: str, pareto: dict[str, Direction] | None = None) -> None:
    """Summarise a study: tables on the console, the full report in report.md and report.html (self-contained).

    Further files are tables.tex (LaTeX), results.csv, results.parquet, figures/ (PNG and PDF) and tensorboard/.

    Args:
        folder: Folder of a study, or any folder with runs in it. Its study.yaml, if it exists, sets the contents.
        pareto: Numbers to optimise and their directions, instead of those in study.yaml, such as
            `{sparsity: max, nli/id/accuracy: max}`.

    Raises:
        UserError: There are no runs, study.yaml has an unknown name, or the folder cannot be written.
    """
    study = Path(folder)
    results = read_results(study)
    target = study / "report.md"
    if target.is_symlink() or (target.exists() and not target.read_text(errors="replace").startswith(_MARK)):
        raise UserError(f"{target} must be a file that lit_prune report wrote, got another: move it away")
    for below in (study / "figures", study / "tensorboard"):
        if links := [each for each in (below, *below.rglob("*")) if each.is_symlink()]:
            raise UserError(f"{links[0]} must be a file or folder of the study, got a link: remove it")
    from lit_prune.report.latex import latex  # not above: slow to import

    title, settings = read_settings(study)
    settings = complete_settings(settings if pareto is None else replace(settings, pareto=pareto), results)
    chosen, tried = select_tuned(results, settings)
    gathered = gather(chosen, settings)
    claims = judge(gathered, settings)
    try:
        write_results(results, study)
        write_board(results, settings.metrics, study / "tensorboard")
        captions = _draw(chosen, gathered, settings, claims, study)
        figures = [_figure(study, name) for name in captions]
        shown, further = _tables(chosen, gathered, settings, claims)
        further += tried
        parts = [f"# {in_markdown(title)}", paragraph(status_line(results)), *(table.markdown() for table in shown)]
        parts += ["## Figures"] if captions else []
        for name, caption in captions.items():
            parts += [f"![{in_markdown(name)}]({quote(f'figures/{name}.png')})", paragraph(caption)]
        text = "\n\n".join([*parts, *(table.markdown() for table in further)]) + "\n"
        write_atomically(target, lambda path: path.write_text(f"{_MARK}\n\n{text}"))
        in_latex = "\n".join(latex(table) for table in [*shown, *further])
        write_atomically(study / "tables.tex", lambda path: path.write_text(in_latex))
        whole = page(title, text, results.runs, study, figures)
        write_atomically(study / "report.html", lambda path: path.write_text(whole))
    except OSError as error:
        raise UserError(f"{folder} must be writable, got {error}: free space or grant access") from error
    console = wide_console()
    console.print(on_console(f"{title}: {status_line(results)}"))
    for table in shown:
        console.print(table.rich(_CONSOLE_ROWS))
    console.print(str(target), highlight=False, markup=False, soft_wrap=True)


def _tables(
    runs: Results, rows: Results, settings: ReportSettings, claims: Sequence[Judgement]
) -> tuple[list[Table], list[Table]]:
    """Return the tables for console and file, and the tables for the file alone, without empty ones.

    Args:
        runs: The runs.
        rows: The runs, with single-task runs merged into rows of all tasks.
        settings: Settings of the report.
        claims: The judged claims.
    """
    over, run_axes, axes = settings.over, cell_axes(runs, settings), cell_axes(rows, settings)
    figures = [
        claims_table(claims, settings),
        *stability_tables(spreads(rows, settings), settings),
        *(
            multitask_table(compare_with_mixtures(runs, each, over), each.name, run_axes, over)
            for each in settings.mixtures
        ),
        *(matched_table(match(runs, each, over), each.name, run_axes, over) for each in settings.matched),
        *(reached_table(read_arms(runs, each, over), each, run_axes, over) for each in settings.reached),
        *([pareto_table(weigh(rows, settings.pareto, over), axes, over)] if settings.pareto else []),
        results_table(rows, settings),
        differences_table(rows, settings, compare(rows, over, settings.metrics, settings.reference)),
        ranks_table(rows, settings, rank(rows, settings)),
        printed_table(rows, settings),
    ]
    warning = version_warnings(runs)
    shown = [missing_table(runs), *(replace(table, notes=[*table.notes, *warning]) for table in figures)]
    made = [costs_table(runs, settings), origins_table(runs), planned_table(runs, settings)]
    further = [spread_table(rows, settings), *made]
    return [table for table in shown if table.rows], [table for table in further if table.rows]


def _draw(
    runs: Results, rows: Results, settings: ReportSettings, claims: Sequence[Judgement], folder: Path
) -> dict[str, str]:
    """Draw the figures that have a complete run and return their captions by name; see `_tables` for the arguments."""
    figures = [each for each in settings.figures if not is_pending(rows, each.where)]
    curves = [each for each in settings.curves if not is_pending(runs, each.where)]
    mixtures = [each for each in settings.mixtures if not is_pending(runs, each.where)]
    found = spreads(rows, settings)
    has_tradeoff = len(settings.pareto) == 2
    of_evaluations = settings.matched, settings.reached
    has_default = not (settings.figures or settings.curves or settings.mixtures or any(of_evaluations))
    drawn = (has_default, figures, curves, mixtures, *of_evaluations, found, has_tradeoff, claims)
    if not any(drawn):
        return {}
    # Not above: slow to import.
    from lit_prune.report.budgets import draw_mixtures
    from lit_prune.report.figures import draw
    from lit_prune.report.margins import draw_margins
    from lit_prune.report.over_time import draw_over_time
    from lit_prune.report.overview import draw_overview
    from lit_prune.report.progress import draw_progress
    from lit_prune.report.scatter import draw_ranks
    from lit_prune.report.tradeoff import draw_tradeoff
    from lit_prune.report.training import draw_curves
    from lit_prune.report.trajectories import draw_trajectories

    path_of = partial(_figure, folder)

    captions: dict[str, str] = {}
    if has_default:
        captions |= draw_overview(rows, settings, path_of("overview"))
        captions |= draw_progress(runs, settings, path_of("progress"))
    captions |= {each.name: draw(rows, each, settings.over, path_of(each.name)) for each in figures}
    captions |= {each.name: draw_curves(runs, each, settings.over, path_of(each.name)) for each in curves}
    captions |= {each.name: draw_mixtures(runs, each, settings.over, path_of(each.name)) for each in mixtures}
    captions |= draw_margins(claims, settings.over, path_of("claims"))
    for each in settings.matched:
        if (matched := match(runs, each, settings.over)).methods:
            captions[each.name] = draw_trajectories(matched, runs, settings, path_of(each.name))
    for reached in settings.reached:
        arms = read_arms(runs, reached, settings.over)
        captions |= draw_over_time(arms, reached, cell_axes(runs, settings), settings.over, path_of(reached.name))
    if has_tradeoff:
        captions["pareto"] = draw_tradeoff(weigh(rows, settings.pareto, settings.over), path_of("pareto"))
    if found is not None:
        captions["stability"] = draw_ranks(found, path_of("stability"))
    return captions


def _figure(folder: Path, name: str) -> Path:
    return folder / "figures" / f"{name}.png"
