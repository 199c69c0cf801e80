"""The task of a fine-tuned model, with the rows of a user's files, as in a configuration."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lit_prune.data.sources.fields import Fields
from lit_prune.data.sources.files import file_rows
from lit_prune.data.sources.given import check_readable, columns_of
from lit_prune.data.sources.spans import SpanFiles
from lit_prune.data.tasks.multi_label import MultiLabelTask
from lit_prune.data.tasks.regression import RegressionTask
from lit_prune.data.tasks.tags import OUTSIDE, bio_tags
from lit_prune.data.tasks.task import Task
from lit_prune.encoders.counterpart import CLASSIFICATION, SPANS
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.saved_head import SavedHead
from lit_prune.encoders.sentence_modules import SentenceModules
from lit_prune.errors import UserError

TASK = "task"  # its name in metrics
# Usual names of the columns of texts in files of data sets; a second one is for pairs.
_TEXTS = (
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("question", "answer"),
    ("query", "passage"),
    ("query", "document"),
    ("anchor", "positive"),
    ("text_a",),
    ("text",),
    ("sentence",),
)
_LABELS = ("label", "labels", "score")


def saved_task(
    encoder: PrunableEncoder,
    paths: Mapping[str, Path],
    columns: Mapping[str, str] | None,
    labels: Mapping[str, str] | None,
) -> dict[str, Any]:
    """Return the task of a model: that of its head, or embeddings if it is a model of sentence-transformers.

    Args:
        encoder: The encoder of the model.
        paths: Split -> file.
        columns: Field of the package -> column of the files. If None, columns with usual names.
        labels: Label in the files -> class of the model, or "" to leave its rows out, or None.

    Raises:
        UserError: The model has no head that can be kept, or the files do not fit it.
    """
    if encoder.saved_head is None and encoder.sentence_modules is not None:
        return _embedding(encoder.sentence_modules, paths, columns)
    return _task_of_head(_head_of(encoder), paths, columns, labels)


def _embedding(
    modules: SentenceModules, paths: Mapping[str, Path], columns: Mapping[str, str] | None
) -> dict[str, Any]:
    modules.check(f"task {TASK!r}", modules.pooling, modules.normalise)
    for path in paths.values():
        check_readable(path)
    read = dict(columns) if columns is not None else find_columns(paths["train"]) or {}
    if "text_b" not in read:
        raise UserError(
            f"{paths['train']} must have pairs of texts, as --model is one of sentence embeddings, got the columns "
            f"{', '.join(columns_of(paths['train']))}: name two by --columns '{{text_a: COLUMN, text_b: COLUMN}}', or "
            "give a --model with a head for your task, fine-tuned by transformers or lit_prune fit"
        )
    has_scores = "label" in read
    fields = {"columns": read} | ({"labels": None} if has_scores else {})
    splits = {split: {"paths": [str(path)], **fields} for split, path in paths.items()}
    settings = {
        "name": TASK,
        "pooling": modules.pooling,
        "normalise": modules.normalise,
        "loss": "lit_prune.losses.EmbeddingDistillation",
        "selection": "spearman" if has_scores else "ndcg_at_10",
        "source": _class("Files" if has_scores else "PairFiles", {"splits": splits}),
    }
    return _class("EmbeddingTask", settings | ({"max_score": _largest(paths, read)} if has_scores else {}))


def _largest(paths: Mapping[str, Path], columns: dict[str, str]) -> float:
    """Return the largest score of files, at least 1; labels that are no numbers are errors when the rows are read."""
    read_as = Fields(columns={**columns}, labels=None)
    largest = 1.0
    for row in (row for path in paths.values() for row in file_rows(path, read_as)):
        try:
            score = float(row["label"])
        except ValueError:
            continue
        largest = max(largest, score) if math.isfinite(score) else largest
    return largest


def _head_of(encoder: PrunableEncoder) -> SavedHead:
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


def _task_of_head(
    head: SavedHead, paths: Mapping[str, Path], columns: Mapping[str, str] | None, labels: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return the task of a model's head, as in a configuration."""
    if head.model.architecture != CLASSIFICATION:
        if columns or labels:
            raise UserError(
                f"--columns and --labels must be left out for a {head.model.name}, got them: its files are no tables"
            )
        source = {"splits": {split: [str(path)] for split, path in paths.items()}}
        if head.model.architecture == SPANS:
            return _class("SpanTask", {"name": TASK, "source": _class("SquadFiles", source)})
        if len({path.suffix == SpanFiles.suffix for path in paths.values()}) > 1:
            raise UserError(
                f"--train and --test must have one layout, got {', '.join(map(str, paths.values()))}: convert one"
            )
        files = "SpanFiles" if paths["train"].suffix == SpanFiles.suffix else "ConllFiles"
        return _class("TokenTask", {"name": TASK, "source": _class(files, source), **_tags(head.labels)})
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
        "columns": dict(columns) if columns else usual_columns(paths["train"]),
        "labels": None if kind is RegressionTask else known,
        "separator": kind.separator,
    }
    splits = {split: {"paths": [str(path)], **read_as} for split, path in paths.items()}
    settings = {"name": TASK, "source": _class("Files", {"splits": splits})}
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


def usual_columns(path: Path) -> dict[str, str]:
    """Return the columns of a file that have usual names, by field.

    Raises:
        UserError: There is none for the text or the label, or more than one choice.
    """
    if (found := find_columns(path)) is None or "label" not in found:
        raise UserError(
            f"{path} must have usual names for one column of labels and one or two of texts, got "
            f"{', '.join(columns_of(path))}: name them by --columns '{{text_a: COLUMN, label: COLUMN}}', and text_b "
            "for pairs"
        )
    return found


def find_columns(path: Path) -> dict[str, str] | None:
    """Return the columns with usual names of texts, and of a label if there is one; None if there is a choice."""
    found = columns_of(path)
    labels = [name for name in _LABELS if name in found]
    texts = next((names for names in _TEXTS if set(names) <= set(found)), ())
    others = {name for names in _TEXTS for name in names} & set(found) - set(texts)
    if len(labels) > 1 or not texts or others:
        return None
    return dict(zip(("text_a", "text_b"), texts, strict=False)) | dict(zip(["label"], labels, strict=False))
