"""`lit_prune predict`: write the predictions of a finished run's model for a file or for the run's data."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset

from lit_prune.commands.parser import command_parser
from lit_prune.data.closed import add_plugins
from lit_prune.data.sources.given import check_readable
from lit_prune.errors import UserError
from lit_prune.evaluate.logits import predict_sets
from lit_prune.evaluate.sets import own_set, unlabelled_set
from lit_prune.export.trained import read_run
from lit_prune.files import new_path, write_atomically, writing
from lit_prune.hardware.device import device_named
from lit_prune.hardware.sizes import check_positive


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its lists as JSON, for a cell each."""
    return {name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()}


WRITERS: dict[str, Callable[[Dataset, Path], Any]] = {
    ".parquet": lambda rows, path: rows.to_parquet(path),
    ".csv": lambda rows, path: rows.map(_texts).to_csv(path),
    ".jsonl": lambda rows, path: rows.to_json(path, force_ascii=False, double_precision=15),
}


def run(arguments: Sequence[str]) -> None:
    """Predict with the arguments of `lit_prune predict`."""
    parser = command_parser(
        "predict",
        "Write the predictions of a finished run's selected model for a file of unlabelled examples or for the data of "
        "the run.",
        "lit_prune predict logs/srnet_poe/version_0 --file new.csv --out predictions.csv",
        "lit_prune predict logs/srnet_poe/version_0 --split id --out id.parquet",
    )
    parser.add_function_arguments(predict, as_group=False, as_positional=True, skip={"plugins"})
    add_plugins(parser)
    predict(**parser.parse_args(list(arguments)).as_dict())


def predict(
    run: str,
    *,
    out: str,
    file: str | None = None,
    split: str | None = None,
    root: str | None = None,
    columns: dict[str, str] | None = None,
    task: str | None = None,
    batch_size: int = 64,
    device: str = "auto",
    plugins: Sequence[str] = (),
) -> None:
    """Write the predictions of a finished run's selected model for a file of unlabelled examples or for a data set.

    Args:
        run: Folder of a finished run, logs/<experiment>/version_<n>.
        out: The new file, .parquet, .csv or .jsonl: a row per example, in their order, with id (the number of the line
            in a file without ids), prediction, and probability_<class> for classification or the answer's score for
            spans. Of several labels, the prediction is their names joined by ;, those whose probability reaches the
            thresholds that the run chose on its validation set. For tokens a row per entity, with id, start, end, text,
            label and score. For embeddings, the prediction is the vector of a text or the cosine of a pair.
        file: The examples: a csv, tsv, jsonl or parquet file. For spans, text_a is the question and text_b the text;
            mentions are read from a jsonl file in WSC's layout; for tokens, text_a is the text.
        split: A split of the run's data instead, such as train, id or ood; train includes left-out examples.
        root: Folder of the run's data files, if it reads files.
        columns: Field of the package (text_a, text_b, id) -> column of the file, such as
            {text_a: premise, text_b: hypothesis}. Default: the columns of the run's files, else the names of the
            fields, or `text` for text_a.
        task: The task whose head to use; required if the run has several.
        batch_size: Examples per batch.
        device: cpu, cuda, or auto: cuda if available.
        plugins: Your modules with classes of tasks and sources that the run uses.

    Raises:
        UserError: An argument is invalid, the run is incomplete, or the file cannot be read.
    """
    datasets.disable_progress_bars()
    if (file is None) == (split is None):
        raise UserError(f"either --file or --split must be set, got file={file!r} and split={split!r}: set one of them")
    if split is not None and columns is not None:
        raise UserError(f"--columns must be left out with --split {split}, got {columns}: the run's columns are used")
    path = None if file is None else Path(file).expanduser()
    if path is not None:
        check_readable(path)
    device = device_named(device)
    check_positive(batch_size=batch_size)
    target = new_path(out)
    if target.suffix not in WRITERS:
        raise UserError(f"unknown format of --out {out}: choose from {', '.join(WRITERS)}")
    trained = read_run(Path(run), task, plugins)
    rows_of = own_set(trained, split or "", root) if path is None else unlabelled_set(trained, path, columns)
    (predicted,) = predict_sets(trained, [rows_of], batch_size, device)
    rows = Dataset.from_dict(predicted.of.predictions(predicted.logits, trained.model.tasks[trained.task].labels))
    with writing(target):
        write_atomically(target, lambda partial: WRITERS[target.suffix](rows, partial))
    print(out)
