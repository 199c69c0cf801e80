"""`lit_prune predict`: what a finished run's model says of a file's rows, or of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset
from jsonargparse import ArgumentParser

from lit_prune.data.closed import add_plugins
from lit_prune.data.sources.given import check_readable
from lit_prune.errors import UserError
from lit_prune.evaluate.logits import predict_sets
from lit_prune.evaluate.sets import own_set, unlabelled_set
from lit_prune.export.trained import read_run
from lit_prune.files import new_path, write_atomically, writing
from lit_prune.hardware.device import device_named
from lit_prune.hardware.sizes import check_positive

WRITERS: dict[str, Callable[[Dataset, Path], Any]] = {
    ".parquet": lambda rows, path: rows.to_parquet(path),
    ".csv": lambda rows, path: rows.to_csv(path),
    ".jsonl": lambda rows, path: rows.to_json(path, force_ascii=False, double_precision=15),
}


def run(arguments: Sequence[str]) -> None:
    """Predict as the arguments of `lit_prune predict` say."""
    parser = ArgumentParser(prog="lit_prune predict", exit_on_error=False, description=__doc__)
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
    """Write what a finished run's selected model says of the rows of a file, which need no labels, or of its own.

    Args:
        run: Folder of a finished run, logs/<experiment>/version_<n>.
        out: The new file, .parquet, .csv or .jsonl: a row for each, in their order, with id, prediction and, of
            classes, probability_<class>, of spans, the answer's score.
        file: The rows: a csv, tsv, jsonl or parquet file; of spans text_a is the question and text_b the text; of
            mentions a jsonl file in WSC's layout.
        split: The run's own rows instead, as train, id or ood; of train all, also those that it was not trained on.
        root: The folder of the run's files, if its own rows come from files.
        columns: Our field (text_a, text_b, id) -> the file's column, as {text_a: premise, text_b: hypothesis}. By
            default as the run reads its own files, else columns of our fields' names.
        task: The task whose head to use; needed where the run has several.
        batch_size: Rows per batch.
        device: cpu or cuda; auto is cuda where there is one.
        plugins: Modules of yours whose classes of tasks and sources the run may name.

    Raises:
        UserError: an argument is none of these, the run is not finished, or the file does not hold what it should.
    """
    datasets.disable_progress_bars()
    if (file is None) == (split is None):
        raise UserError(f"predict needs either --file or --split, got file={file!r} and split={split!r}")
    if split is not None and columns is not None:
        raise UserError(f"--columns has no effect on --split {split}, which is read as in training: leave it out")
    path = None if file is None else Path(file).expanduser()
    if path is not None:
        check_readable(path)
    place = device_named(device)
    check_positive(batch_size=batch_size)
    target = new_path(out)
    if target.suffix not in WRITERS:
        raise UserError(f"--out {out} is of an unknown kind: needed is one of {', '.join(WRITERS)}")
    trained = read_run(Path(run), task, plugins)
    rows_of = own_set(trained, split or "", root) if path is None else unlabelled_set(trained, path, columns)
    (predicted,) = predict_sets(trained, [rows_of], batch_size, place)
    rows = Dataset.from_dict(predicted.of.predictions(predicted.logits, trained.model.tasks[trained.task].labels))
    with writing(target):
        write_atomically(target, lambda partial: WRITERS[target.suffix](rows, partial))
    print(out)
