"""`lit_prune prune`: prune a fine-tuned model of transformers on your own files, and compare it with the original."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_prune.bench.pruned import show_pruned
from lit_prune.commands.parser import command_parser
from lit_prune.data.sources.given import check_exists, check_readable, columns_of
from lit_prune.data.sources.spans import SpanFiles
from lit_prune.data.tasks.kinds import KINDS, kind_of
from lit_prune.data.tasks.multi_label import MultiLabelTask
from lit_prune.data.tasks.regression import RegressionTask
from lit_prune.data.tasks.tags import OUTSIDE, bio_tags
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.counterpart import CLASSIFICATION, SPANS
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.saved_head import SavedHead
from lit_prune.errors import UserError
from lit_prune.export.run import export_run
from lit_prune.files import new_path
from lit_prune.fitting.cli import PruneCLI, quiet
from lit_prune.runs.summary import metric_title
from lit_prune.shipped import find_config

_TASK = "task"  # name of the one task in metrics
_MAX_LENGTH = 128  # of configs/prune.yaml
# Usual names of the columns of texts in files of data sets; a second one is for pairs.
_TEXTS = (
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("text_a",),
    ("text",),
    ("sentence",),
)
_LABELS = ("label", "labels", "score")


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
            regression or question answering.
        train: The training examples: a csv, tsv, jsonl or parquet file; a JSON file in SQuAD's layout for question
            answering; a jsonl file of spans or a file with a word a line for tokens. For multi-label models, labels
            are lists or texts with ; between the names. A twentieth is held out to select the model.
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
    task = _task(_head(encoder), paths, columns, labels)
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
        names = {f"test {metric_title(name)}": f"{_TASK}/id/{name}" for name in metrics}
        show_pruned(pruned, folder, packed, names)
    print(f"run: {pruned}")
    print(folder)


def _head(encoder: PrunableEncoder) -> SavedHead:
    """Return the head of a fine-tuned model.

    Raises:
        UserError: It has none that can be kept.
    """
    head = encoder.saved_head
    if head is None:
        kind = ", ".join(encoder.backbone.config.architectures or [encoder.model_type])
        raise UserError(
            "--model must have a head for classification of texts or tokens, regression or question answering, got "
            f"{encoder.name} ({kind}): fine-tune it first by transformers, or by lit_prune fit --config "
            f"configs/dense.yaml --config own.yaml --data.root . --encoder.backbone {encoder.name}, and export that "
            "run by --format dense; lit_prune configs data/own_csv prints an own.yaml to copy"
        )
    if head.problem_type == "regression" and len(head.labels) > 1:
        raise UserError(
            f"--model must have one output if its problem_type is regression, got {len(head.labels)}: prune it in your "
            "own training, by lit_prune.Prune"
        )
    return head


def _task(
    head: SavedHead, paths: dict[str, Path], columns: dict[str, str] | None, labels: dict[str, str] | None
) -> dict[str, Any]:
    """Return the task of a model's head, as in a configuration."""
    if head.model.architecture != CLASSIFICATION:
        if columns or labels:
            raise UserError(
                f"--columns and --labels must be left out for a {head.model.name}, got them: its files are no tables"
            )
        source = {"splits": {split: [str(path)] for split, path in paths.items()}}
        if head.model.architecture == SPANS:
            return _class("SpanTask", {"name": _TASK, "source": _class("SquadFiles", source)})
        files = "SpanFiles" if paths["train"].suffix == SpanFiles.suffix else "ConllFiles"
        return _class("TokenTask", {"name": _TASK, "source": _class(files, source), **_tags(head.labels)})
    kind = _kind(head)
    known = {label: label for label in head.labels}
    if not any(label.isdigit() for label in head.labels):  # else a number might mean either
        known |= {str(number): label for number, label in enumerate(head.labels)}
    known |= labels or {}
    wrong = sorted(set(known.values()) - {*head.labels, ""})
    if wrong:
        raise UserError(f"unknown classes {wrong} in --labels: choose from {', '.join(head.labels)}")
    for path in paths.values():
        check_readable(path)
    read_as = {
        "columns": columns or _usual_columns(paths["train"]),
        "labels": None if kind is RegressionTask else known,
        "separator": kind.separator,
    }
    splits = {split: {"paths": [str(path)], **read_as} for split, path in paths.items()}
    settings = {"name": _TASK, "source": _class("Files", {"splits": splits})}
    return _class(kind.__name__, settings if kind is RegressionTask else settings | {"labels": list(head.labels)})


def _kind(head: SavedHead) -> type[Task]:
    """Return the kind of task of a head for classification or regression."""
    if head.problem_type == "multi_label_classification":
        return MultiLabelTask
    return RegressionTask if len(head.labels) == 1 else Task


def _tags(classes: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a task whose logits have these classes in any order: tags of entities, or plain ones.

    Raises:
        UserError: Tags of entities are not in BIO.
    """
    if OUTSIDE not in classes:
        return {"labels": [*classes], "entities": False}
    types = [*dict.fromkeys(tag[2:] for tag in classes if tag != OUTSIDE)]
    if sorted(bio_tags(types)) != sorted(classes):
        raise UserError(
            f"the classes of --model must be O, B- and I- of each type, or tags without O, got {', '.join(classes)}: "
            "prune it in your own training, by lit_prune.Prune"
        )
    return {"labels": types}


def _class(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"class_path": f"lit_prune.data.{name}", "init_args": arguments}


def _usual_columns(path: Path) -> dict[str, str]:
    """Return the columns of a file that have usual names, by field.

    Raises:
        UserError: There is none for the text or the label, or more than one choice.
    """
    found = columns_of(path)
    label = [name for name in _LABELS if name in found]
    texts = next((names for names in _TEXTS if set(names) <= set(found)), ())
    others = {name for names in _TEXTS for name in names} & set(found) - set(texts)
    if len(label) != 1 or not texts or others:
        raise UserError(
            f"{path} must have usual names for one column of labels and one or two of texts, got {', '.join(found)}: "
            "name them by --columns '{text_a: COLUMN, label: COLUMN}', and text_b for pairs"
        )
    return dict(zip(("text_a", "text_b"), texts, strict=False)) | {"label": label[0]}
