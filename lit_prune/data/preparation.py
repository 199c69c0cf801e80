"""How a task's rows become a training set and sets to evaluate on."""

from dataclasses import dataclass

import numpy as np
from datasets import Dataset, concatenate_datasets
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from lit_prune.data.bias.column import with_bias, without_bias
from lit_prune.data.checks import warn_of_oddities
from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.data.names import check_group_names
from lit_prune.data.ood import OodTraining
from lit_prune.data.perturbation import Perturbation
from lit_prune.data.published import published_cut
from lit_prune.data.task import Task
from lit_prune.errors import UserError


@dataclass(frozen=True)
class Preparation:
    """What turns a source's rows into tokens, the same for all tasks unless a task says otherwise.

    Attributes:
        tokenizer: The encoder's.
        root: The folder that files are looked up in, None where no source needs one.
        max_length: Tokens kept of a row.
        validation_fraction: Share of the training rows cut off for selection; 0: selection on `id`. A source without
            an `id` set gives up as much again for that.
        seed: Seed of the cut for selection, and of the rows drawn.
        perturbation: What is left out of each training set, None: nothing.
        num_train: Rows to train on of a task that says no number of its own, None: all.
    """

    tokenizer: PreTrainedTokenizerBase
    root: str | None
    max_length: int
    validation_fraction: float
    seed: int
    perturbation: Perturbation | None = None
    num_train: int | None = None


def prepare_task(task: Task, how: Preparation, word_embeddings: Tensor) -> tuple[Dataset, list[EvaluationSet]]:
    """Tokenise a task's splits, cut those it lacks, and fit its bias model; everything is cached by content.

    Args:
        task: The task.
        how: Tokenizer, lengths and the validation cut.
        word_embeddings: The encoder's table (vocabulary, width), the bias model's default word vectors.

    Returns:
        The training set (with a column `bias` of log-probabilities where the task has a bias model), and the
        evaluation sets, the one that selects first.

    Raises:
        UserError: a missing or malformed file, an unknown label, an empty split, a group called like a class.
    """
    splits = task.source.available(how.root)
    train = task.read("train", how)
    evaluation = {}
    if "id" not in splits:
        if how.validation_fraction == 0:
            raise UserError(
                f"task {task.name!r}: it has no `id` set, and data.validation_fraction=0 cuts none from its training "
                f"set; name an `id` split, or set a share above 0"
            )
        # Cut first, whatever the seed: runs of several seeds, or started from one another, keep the same rows unseen.
        train, evaluation["id"] = _cut(task, train, how.validation_fraction, seed=0)
    if task.validation is not None:
        train, validation = published_cut(task.validation, train)
        evaluation = {"validation": validation, **evaluation}
    elif how.validation_fraction > 0:
        train, validation = _cut(task, train, how.validation_fraction, how.seed)
        evaluation = {"validation": validation, **evaluation}
    for split in splits:
        if split not in {"train", "ood_train"}:
            evaluation[split] = task.read(split, how)
    warn_of_oddities(task.name, task.labels, train, evaluation)
    num_train = how.num_train if task.num_train is None else task.num_train
    train = train if num_train is None else _drawn(task, train, num_train, how.seed)
    train = train if how.perturbation is None else train.select(how.perturbation.kept(task.units(train)))
    if task.bias is not None:
        train = with_bias(train, task.bias, task.labels, how.tokenizer, word_embeddings)
    if "ood_train" in splits:
        informed = task.read("ood_train", how)
        if task.bias is not None:
            informed = without_bias(informed, len(task.labels))
        train = concatenate_datasets([train, *[informed] * task.ood_train.repeat])
    elif task.ood_train != OodTraining():
        raise UserError(f"task {task.name!r}: ood_train is set, but its source has no split of that name: add one")
    for split, rows in {"train": train, **evaluation}.items():
        check_group_names(f"{task.name}/{split}", rows["group"][:], task.labels_of(split))
    return train, [task.evaluation_set(split, rows) for split, rows in evaluation.items()]


def prepare_set(task: Task, split: str, how: Preparation, labelled: bool = True) -> EvaluationSet:
    """Read and tokenise one set to evaluate on, or to predict where it has no labels; cached by content.

    Raises:
        UserError: a missing or malformed file, an unknown label, no rows, a group called like a class.
    """
    rows = task.read(split, how, labelled)
    check_group_names(f"{task.name}/{split}", rows["group"][:], task.labels_of(split))
    return task.evaluation_set(split, rows)


def _cut(task: Task, rows: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """The rows that remain and those cut off at random, both in their order."""
    units = task.units(rows)
    num_units = int(units.max()) + 1
    size = max(1, round(fraction * num_units))
    if size >= num_units:
        raise UserError(
            f"task {task.name!r}: data.validation_fraction={fraction} leaves no training row of {num_units}"
        )
    cut = np.isin(units, np.random.default_rng(seed).permutation(num_units)[:size])
    return rows.select(np.flatnonzero(~cut)), rows.select(np.flatnonzero(cut))


def _drawn(task: Task, rows: Dataset, size: int, seed: int) -> Dataset:
    """So many of the rows at random, in their order."""
    if not 1 <= size <= len(rows):
        raise UserError(f"task {task.name!r}: num_train is {size}, needed is a number from 1 to {len(rows)}, its rows")
    return rows.select(np.sort(np.random.default_rng(seed).permutation(len(rows))[:size]))
