"""`lit_prune prune`: prune a fine-tuned model of transformers on your own files, and compare it with the original."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lit_prune.bench.pruned import show_pruned
from lit_prune.commands.parser import command_parser
from lit_prune.data.sources.given import check_exists
from lit_prune.data.tasks.kinds import KINDS, kind_of
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.run import export_run
from lit_prune.files import new_path
from lit_prune.fitting.cli import PruneCLI, quiet
from lit_prune.fitting.saved_task import TASK, saved_task
from lit_prune.runs.summary import metric_title
from lit_prune.shipped import find_config

_MAX_LENGTH = 128  # of configs/prune.yaml


def run(arguments: Sequence[str]) -> None:
    """Prune with the arguments of `lit_prune prune`."""
    parser = command_parser(
        "prune",
        "Prune a fine-tuned model of transformers on your own files while tuning it further, and compare it with the "
        "original.",
        "lit_prune prune --model my_classifier --train train.csv --test test.csv --out pruned",
    )
    parser.add_function_arguments(prune, as_group=False)
    prune(**parser.parse_args(list(arguments)).as_dict())


def prune(
    *,
    model: str,
    train: str,
    test: str,
    out: str,
    sparsity: float = 0.5,
    columns: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    config: str | None = None,
    revision: str = "main",
    seed: int = 1,
    root: str = "logs",
) -> None:
    """Prune a fine-tuned model while tuning it further, and write it as a folder that transformers loads.

    The recipe is `configs/prune.yaml`. The run's folder, logs/prune/version_<n>, contains everything else, as that of
    `lit_prune fit`.

    Args:
        model: Folder or name on the Hugging Face hub of a model with a head for classification of texts or tokens,
            regression or question answering, or of a model of sentence-transformers.
        train: The training examples: a csv, tsv, jsonl or parquet file; a JSON file in SQuAD's layout for question
            answering; a jsonl file of spans or a file with a word a line for tokens. For multi-label models, labels
            are lists or texts with ; between the names. For embeddings, pairs of texts, whose scores are a column of
            labels; without one, the texts of a pair belong together. A twentieth is held out to select the model.
        test: The test examples, in the same form.
        out: The new folder for the pruned model.
        sparsity: Fraction of the weights of the Transformer layers to remove, above 0 and below 1.
        columns: Field of the package (text_a, text_b, label) -> column of the files, such as {text_a: premise}.
            Default: their usual names, such as text, sentence or premise, and label.
        labels: Label in the files -> class of the model, or "" to leave its rows out (for multi-label models, the
            label); the names of the classes and their numbers need none.
        config: A configuration on top of the recipe, such as one that sets another length or learning rate.
        revision: Branch, tag or commit on the hub.
        seed: Seed of everything random.
        root: Folder of the runs.

    Raises:
        UserError: An argument is invalid, the model has no such head, or a file cannot be read.
    """
    quiet()
    if not 0 < sparsity < 1:
        raise UserError(
            f"sparsity must be above 0 and below 1, got {sparsity:g}: it is the fraction of weights to remove"
        )
    folder = new_path(out, folder=True)
    paths = {"train": Path(train).expanduser().absolute(), "id": Path(test).expanduser().absolute()}
    for path in paths.values():
        check_exists(path)
    encoder = PrunableEncoder(model, revision=revision)
    task = saved_task(encoder, paths, columns, labels)
    arguments = ["fit", f"--config={find_config('prune')}"]
    if encoder.num_positions is not None and encoder.num_positions < _MAX_LENGTH:
        arguments.append(f"--data.max_length={encoder.num_positions}")
    if config is not None:
        arguments.append(f"--config={find_config(config)}")
    arguments += [
        f"--encoder.backbone={model}",
        f"--encoder.revision={revision}",
        f"--data.root={paths['train'].parent}",
        f"--data.tasks={json.dumps([task])}",
        f"--model.init_args.schedule.init_args.final={sparsity}",
        f"--seed_everything={seed}",
        f"--trainer.default_root_dir={root}",
    ]
    pruned = PruneCLI(arguments).model.folder
    export_run(pruned, format="dense", out=folder)
    with tempfile.TemporaryDirectory() as place:
        packed = Path(place) / "packed"
        export_run(pruned, format="packed", out=packed)
        metrics = KINDS[kind_of(task["class_path"])].set_class.whole_metrics
        names = {f"test {metric_title(name)}": f"{TASK}/id/{name}" for name in metrics}
        show_pruned(pruned, folder, packed, names)
    print(f"run: {pruned}")
    print(folder)
