"""The preparation of tasks: their rows become a training set and sets to evaluate on."""

from dataclasses import dataclass

import numpy as np
from datasets import Dataset, concatenate_datasets
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from lit_prune.data.bias.column import with_bias, without_bias
from lit_prune.data.bias_report import warn_if_circular
from lit_prune.data.metric_names import check_group_names
from lit_prune.data.oddities import warn_of_oddities
from lit_prune.data.ood import OodTraining
from lit_prune.data.perturbation import Perturbation
from lit_prune.data.published import published_cut
from lit_prune.data.sources.source import UNLABELLED_SPLIT
from lit_prune.data.table import read_table, tokenise_table
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.task import Task
from lit_prune.data.unlabelled import with_unlabelled
from lit_prune.errors import UserError


@dataclass(frozen=True)
class Preparation:
    """The settings by which rows become tokens, for all tasks unless a task has its own.

    Attributes:
        tokenizer: The encoder's.
        root: The folder of the files, None if no source needs one.
        max_length: Maximum number of tokens of a row.
        validation_fraction: Share of the training rows cut off for selection; 0: selection on `id`. Without an `id`
            set, the same share is cut off for that.
        seed: Seed of the cut for selection, and of the rows drawn.
        perturbation: The rows left out of each training set, or None.
        num_train: Training rows of a task without a number of its own. If None, all.
    """

    tokenizer: PreTrainedTokenizerBase
    root: str | None
    max_length: int
    validation_fraction: float
    seed: int
    perturbation: Perturbation | None = None
    num_train: int | None = None


def read_split(task: Task, split: str, preparation: Preparation, labelled: bool = True) -> Dataset:
    """Read and tokenise the rows of a task's split; cached by content.

    Raises:
        UserError: a missing or malformed file, an unknown label, no rows, or windows that do not fit the tokenizer.
    """
    tokenizer = preparation.tokenizer
    task.check_tokenizer(tokenizer)
    rows = read_table(task.converter(split, labelled), task.features, task.source, split, preparation.root)
    tokenise = task.tokeniser(preparation.max_length)
    return tokenise_table(rows, tokenise, tokenizer, one_to_one=not task.makes_windows)


def prepare_task(task: Task, preparation: Preparation, word_embeddings: Tensor) -> tuple[Dataset, list[EvaluationSet]]:
    """Tokenise a task's splits, cut those it lacks, and fit its bias model; everything is cached by content.

    Args:
        task: The task.
        preparation: Tokenizer, lengths and the validation cut.
        word_embeddings: The encoder's table (vocabulary, width), the bias model's default word vectors.

    Returns:
        The training set (with a column `bias` of log-probabilities if the task has a bias model; rows without a label
        come last), and the evaluation sets, the one that selects first.

    Raises:
        UserError: a missing or malformed file, an unknown label, an empty split, a group named like a class.
    """
    splits = task.source.available(preparation.root)
    train = read_split(task, "train", preparation)
    evaluation = {}
    if "id" not in splits:
        if preparation.validation_fraction == 0:
            raise UserError(
                f"data.validation_fraction must be above 0 for task {task.name!r}, got 0: it has no `id` set, and none "
                "is cut from its training set; or name an `id` split"
            )
        # Cut first, whatever the seed: runs of several seeds, or started from one another, keep the same rows unseen.
        train, evaluation["id"] = _cut(task, train, preparation.validation_fraction, seed=0)
    if task.validation is not None:
        train, validation = published_cut(task.validation, train)
        evaluation = {"validation": validation, **evaluation}
    elif preparation.validation_fraction > 0:
        train, validation = _cut(task, train, preparation.validation_fraction, preparation.seed)
        evaluation = {"validation": validation, **evaluation}
    for split in splits:
        if split not in {"train", "ood_train", UNLABELLED_SPLIT}:
            evaluation[split] = read_split(task, split, preparation)
    warn_of_oddities(task.name, task.absent_labels(train), train, evaluation)
    num_train = preparation.num_train if task.num_train is None else task.num_train
    train = train if num_train is None else _drawn(task, train, num_train, preparation.seed)
    train = (
        train if preparation.perturbation is None else train.select(preparation.perturbation.kept(task.units(train)))
    )
    if task.bias is not None:
        warn_if_circular(task)
        train = with_bias(train, task.bias, task.labels, preparation.tokenizer, word_embeddings)
    if "ood_train" in splits:
        informed = read_split(task, "ood_train", preparation)
        if task.bias is not None:
            informed = without_bias(informed, len(task.labels))
        train = concatenate_datasets([train, *[informed] * task.ood_train.repeat])
    elif task.ood_train != OodTraining():
        raise UserError(
            f"ood_train of task {task.name!r} must be left out, got {task.ood_train}: its source has no split ood_train"
        )
    if UNLABELLED_SPLIT in splits:
        train = with_unlabelled(task, train, read_split(task, UNLABELLED_SPLIT, preparation, labelled=False))
    for split, rows in {"train": train, **evaluation}.items():
        check_group_names(f"{task.name}/{split}", rows["group"][:], task.labels_of(split))
    return train, [task.evaluation_set(split, rows) for split, rows in evaluation.items()]


def prepare_set(task: Task, split: str, preparation: Preparation, labelled: bool = True) -> EvaluationSet:
    """Read and tokenise one set to evaluate, or to predict if it has no labels; cached by content.

    Raises:
        UserError: a missing or malformed file, an unknown label, no rows, a group named like a class.
    """
    rows = read_split(task, split, preparation, labelled)
    check_group_names(f"{task.name}/{split}", rows["group"][:], task.labels_of(split))
    return task.evaluation_set(split, rows)


def _cut(task: Task, rows: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Return the rows that remain and those cut off at random, both in their order."""
    units = task.units(rows)
    num_units = int(units.max()) + 1
    size = max(1, round(fraction * num_units))
    if size >= num_units:
        raise UserError(
            f"data.validation_fraction must leave training rows of task {task.name!r}, got {fraction} of {num_units}: "
            "set a smaller one"
        )
    cut = np.isin(units, np.random.default_rng(seed).permutation(num_units)[:size])
    return rows.select(np.flatnonzero(~cut)), rows.select(np.flatnonzero(cut))


def _drawn(task: Task, rows: Dataset, size: int, seed: int) -> Dataset:
    """Draw a number of rows at random, in their order."""
    if not 1 <= size <= len(rows):
        raise UserError(
            f"num_train of task {task.name!r} must be from 1 to {len(rows)}, got {size}: it has no more training rows"
        )
    return rows.select(np.sort(np.random.default_rng(seed).permutation(len(rows))[:size]))
