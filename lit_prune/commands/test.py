"""`lit_prune test`: evaluate the model of a finished run on labelled files."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import datasets
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lit_prune.callbacks.predictions import write_predictions
from lit_prune.commands.parser import command_parser
from lit_prune.data.closed import add_plugins
from lit_prune.data.sources.given import check_exists
from lit_prune.display.markup import on_console
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Predicted
from lit_prune.evaluate.logits import predict_sets
from lit_prune.evaluate.sets import labelled_sets
from lit_prune.export.load import with_export
from lit_prune.export.trained import read_run
from lit_prune.files import new_path, write_folder, write_json, write_recorded, writing
from lit_prune.hardware.device import device_named
from lit_prune.hardware.sizes import check_positive
from lit_prune.names import check_name
from lit_prune.runs.summary import collapses


def run(arguments: Sequence[str]) -> None:
    """Evaluate with the arguments of `lit_prune test`."""
    parser = command_parser(
        "test",
        "Evaluate the selected model of a finished run on labelled files, with the metrics of the run.",
        "lit_prune test logs/srnet_poe/version_0 --files id=test.csv ood=other.csv --out tested",
    )
    parser.add_function_arguments(evaluate, as_group=False, as_positional=True, skip={"files", "plugins"})
    add_plugins(parser)
    help_ = (
        "The evaluation sets: csv, tsv, jsonl or parquet files; files in SQuAD's layout for spans, in WSC's for "
        "mentions, jsonl files of spans or files with a word a line (the tag last) for tokens. A set named ood or "
        "ood_<set> has the task's merged classes."
    )
    parser.add_argument("--files", nargs="+", required=True, metavar="NAME=PATH", help=help_)
    evaluate(**parser.parse_args(list(arguments)).as_dict())


def evaluate(
    run: str,
    *,
    files: Sequence[str],
    columns: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    task: str | None = None,
    export: str | None = None,
    out: str | None = None,
    batch_size: int = 64,
    device: str = "auto",
    plugins: Sequence[str] = (),
) -> None:
    """Evaluate the selected model of a finished run on labelled files, with the metrics of the run.

    Args:
        run: Folder of a finished run, logs/<experiment>/version_<n>.
        files: Evaluation sets as NAME=PATH.
        columns: Field of the package (text_a, text_b, label, id, group) -> column of the files, such as
            {text_a: premise, label: gold}. Default: the columns of the run's files, else the names of the fields.
        labels: Label in the files -> name of the class, "" to leave its examples out. Default: the labels of the run's
            files, else the names of the classes.
        task: The task whose head to use; required if the run has several.
        export: A folder that `lit_prune export` wrote of the run, to evaluate it in place of the selected model.
        out: A new or empty folder for metrics.json and predictions.parquet, as in the folder of a run.
        batch_size: Examples per batch.
        device: cpu, cuda, or auto: cuda if available.
        plugins: Your modules with classes of tasks and sources that the run uses.

    Raises:
        UserError: An argument is invalid, the run is incomplete, or a file cannot be read.
    """
    datasets.disable_progress_bars()
    paths = named_files(files)
    device = device_named(device)
    check_positive(batch_size=batch_size)
    folder = None if out is None else new_path(out, folder=True)
    trained = read_run(Path(run), task, plugins)
    if export is not None:
        trained = with_export(trained, export, plugins)
    sets = labelled_sets(trained, paths, columns, labels)
    predicted = predict_sets(trained, sets, batch_size, device)
    values = {name: value for each in predicted for name, value in each.metrics().items()}
    _print(values, predicted)
    if folder is not None:
        with writing(folder):
            write_folder(folder, partial(_write, values, predicted))
        print(out)


def named_files(files: Sequence[str]) -> dict[str, Path]:
    """Return the paths of evaluation sets that are given as NAME=PATH, by name.

    Raises:
        UserError: A name is given twice or is invalid, or a file is missing.
    """
    paths: dict[str, Path] = {}
    for each in files:
        name, _, path = each.partition("=")
        if not path or name in paths:
            raise UserError(f"--files must be NAME=PATH with different names, got {each!r}: correct it")
        paths[check_name("--files NAME=PATH: NAME", name)] = Path(path).expanduser()
        check_exists(paths[name])
    return paths


def _write(values: dict[str, float], predicted: Sequence[Predicted], folder: Path) -> None:
    write_predictions(predicted, folder / "predictions.parquet")
    write_json(values, folder / "metrics.json", write_recorded)


def _print(values: dict[str, float], predicted: Sequence[Predicted]) -> None:
    """Print a column per set and a row per metric, without the metrics of groups."""
    table = Table("")
    for each in predicted:
        table.add_column(on_console(each.of.name), justify="right")
    table.add_row("rows", *(str(len(each.logits)) for each in predicted))
    classes = dict.fromkeys(label for each in predicted for label in each.of.labels)
    by_class = [f"{kind}_{label}" for label in classes for kind in ("accuracy", "predicted_share", "f1")]
    whole = dict.fromkeys(metric for each in predicted for metric in each.of.whole_metrics)
    errors = dict.fromkeys(metric for each in predicted for metric in each.of.error_metrics)
    for metric in [*whole, *errors, *by_class]:
        cells = [values.get(f"{each.of.name}/{metric}") for each in predicted]
        if any(cell is not None for cell in cells):
            table.add_row(on_console(metric), *("" if cell is None else f"{cell:.4f}" for cell in cells))
    console = Console(soft_wrap=True)
    console.print(table)
    for line in collapses(values):
        console.print(Text("warning: ", style="bold red"), on_console(line), sep="")
