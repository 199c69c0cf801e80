"""A task: its classes, where its rows come from, and how they become tokenised sets."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Dataset, Value
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from lit_prune.data.bias.model import BiasModel
from lit_prune.data.bias.words import word_overlap
from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.data.names import check_class_names, check_task_name
from lit_prune.data.ood import OodTraining, classes_of_labels
from lit_prune.data.published import check_published
from lit_prune.data.sources.source import UNLABELLED, Source
from lit_prune.data.table import read_table, tokenise_table
from lit_prune.errors import UserError
from lit_prune.heads import Classification, Encoder
from lit_prune.losses import LearnedMixin, Loss

if TYPE_CHECKING:
    from lit_prune.data.preparation import Preparation


class Task:
    """Classification of a text or a pair of texts.

    A task of another kind is a subclass: it says what head it has, how its rows are read, what its evaluation sets are,
    and, where it is not the phase's, its loss. What only classes have stays as it is here.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`): letters, digits, _ and -.
        labels: Class names, in the order of the logits.
        source: Where the rows come from.
        positive: The class whose score the AUROC ranks and, of two classes, F1 is of, as `entailment`; None: neither.
        merge: Class name -> class name in OOD sets that tell fewer classes apart (HANS: contradiction and neutral are
            non_entailment). Predictions are merged after the arg-max.
        bias: A model of the data set's bias, fitted on the training set, for losses that need one. It neither sees OOD
            rows nor says anything of them: to it their classes are equally likely.
        max_length: Tokens kept of a row, None: the data module's.
        batch_size: Rows per training batch, None: the data module's.
        ood_train: How the source's split `ood_train` is trained on, None: its rows have the task's labels, and each
            stands in the training set once.
        selection: The metric that selects checkpoints, one of `metric_names` (SRNets: `f1` for duplicate questions);
            None: accuracy.
        loss: The loss of this task in every phase, None: the phase's. It may neither learn nor need a teacher.
        validation: A published cut of the training set for selection, in the place of a random one, as `fu2023/RTE`
            (`lit_prune.data.published`); None: the data module's share is cut.
        num_train: Rows to train on, drawn at random from the training set by the data module's seed; None: all.
    """

    labels: tuple[str, ...] = ()
    columns: Mapping[str, Any] = {}  # what its source's rows have beside those of `Row`: name -> type
    positive: str | None = None
    merge: Mapping[str, str] = {}
    bias: BiasModel | None = None
    ood_train = OodTraining()
    loss: Loss | None = None
    num_train: int | None = None
    validation: str | None = None

    def __init__(
        self,
        name: str,
        labels: list[str],
        source: Source,
        positive: str | None = None,
        merge: dict[str, str] | None = None,
        bias: BiasModel | None = None,
        max_length: int | None = None,
        batch_size: int | None = None,
        ood_train: OodTraining | None = None,
        selection: str | None = None,
        num_train: int | None = None,
        loss: Loss | None = None,
        validation: str | None = None,
    ) -> None:
        self.name = name
        self.labels = tuple(labels)
        self.source = source
        self.positive = positive
        self.merge = dict(merge or {})
        self.bias = bias
        self.max_length = max_length
        self.batch_size = batch_size
        self.ood_train = ood_train or OodTraining()
        self.loss = loss
        self.num_train = num_train
        self.validation = None if validation is None else check_published(validation)
        if len(set(labels)) < max(2, len(labels)):
            raise UserError(f"task {name!r}: labels are {labels}, needed are two or more different names")
        for value, where in [(positive, "positive"), *((key, "merge") for key in self.merge)]:
            if value is not None and value not in self.labels:
                raise UserError(f"task {name!r}: {where} names {value!r}, which is not one of its labels {labels}")
        if self.merge and len(self.labels_of("ood")) < 2:
            raise UserError(
                f"merge of task {name!r} must leave two classes or more, got {self.merge}: leave out one of {labels}"
            )
        for split in ("id", "ood"):
            check_class_names(name, self.labels_of(split))
        self.ood_train.check(labels, f"task {name!r}")
        learns = loss is not None and any(isinstance(each, LearnedMixin) for each in loss.modules())
        if loss is not None and (learns or "teacher" in loss.needs):
            raise UserError(
                f"task {name!r}: {type(loss).__name__} {'learns' if learns else 'needs a teacher'}, which only a "
                "phase's loss may: set it as a phase's loss, or take another for the task"
            )
        self.selection = self.checked(selection or "accuracy")

    @property
    def name(self) -> str:
        """Its name; a UserError where metrics, files or modules cannot have it."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_task_name(name)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints: the larger, the better."""
        of_positive: tuple[str, ...] = ()
        if self.positive is not None:
            of_positive = ("auroc", "f1", "f1_weighted", "mean_f1_accuracy") if len(self.labels) == 2 else ("auroc",)
        return ("accuracy", "f1_macro", "matthews", *of_positive, *(f"accuracy_{label}" for label in self.labels))

    def checked(self, selection: str) -> str:
        """The name of a metric that is to select; a UserError where the task has none of that name."""
        if selection not in self.metric_names:
            remedy = "" if self.positive or not self.labels else " (with a `positive` label also auroc, and of two, f1)"
            raise UserError(
                f"task {self.name!r}: selection is {selection!r}, needed is one of its metrics: "
                f"{', '.join(self.metric_names)}{remedy}"
            )
        return selection

    @property
    def label_classes(self) -> Tensor | None:
        """For each label of the training set, whether it may be each class, (labels, classes) bool.

        None: every label is the class of its number.
        """
        merged = self.ood_train.merged(self.labels)
        return torch.tensor(classes_of_labels(len(self.labels), merged)) if merged else None

    def labels_of(self, split: str) -> tuple[str, ...]:
        """The class names of a split; OOD sets have the merged ones."""
        if split == "ood" or (split.startswith("ood_") and split != "ood_train"):
            return tuple(dict.fromkeys(self.merge.get(label, label) for label in self.labels))
        return self.labels

    def class_map(self, split: str) -> tuple[int, ...]:
        """For each class of the logits, its class in a split."""
        labels = self.labels_of(split)
        return tuple(labels.index(label if label in labels else self.merge[label]) for label in self.labels)

    def make_head(self, encoder: Encoder) -> nn.Module:
        """A fresh head, from hidden states (batch, length, width) and the pooled token (batch, width) to logits."""
        return Classification(encoder.hidden_size, len(self.labels), encoder.hidden_dropout, encoder.has_pooler)

    def read(self, split: str, how: "Preparation", labelled: bool = True) -> Dataset:
        """The tokenised rows of a split; cached by content.

        Raises:
            UserError: a missing or malformed file, an unknown label, no rows.
        """
        rows = self.read_rows(split, how, labelled)
        return tokenise_table(rows, tokenise_pairs, how.tokenizer, max_length=self.max_length or how.max_length)

    def read_rows(self, split: str, how: "Preparation", labelled: bool) -> Dataset:
        """The rows of a split with their classes, before they are tokenised; cached by content."""
        known = {label: number for number, label in enumerate(self.labels_of(split))} | _merged(self, split)
        if split == "ood_train":
            known |= self.ood_train.label_ids(self.labels)
        return read_table(
            _rows,
            {name: Value("string") for name in ("id", "text_a", "text_b", "group")}
            | {"label": Value("int64"), "overlap": Value("float64")}  # in float32 a .2 is above .2
            | dict(self.columns),
            self.source,
            split,
            how.root,
            label_ids=known if labelled else {UNLABELLED: -1},
        )

    def units(self, rows: Dataset) -> np.ndarray:
        """For each row, which example it is of, counted from 0 (rows,): what is cut off for selection together."""
        return np.arange(len(rows))

    def evaluation_set(self, split: str, rows: Dataset) -> EvaluationSet:
        """Tokenised rows of a split as a set to evaluate on."""
        return EvaluationSet(
            task=self.name,
            split=split,
            rows=rows,
            labels=self.labels_of(split),
            class_map=self.class_map(split),
            positive=None if self.positive is None else self.labels.index(self.positive),
        )


def _merged(task: Task, split: str) -> dict[str, int]:
    """Class indices of a split under the names of the finer classes."""
    return dict(zip(task.labels, task.class_map(split), strict=True))


def _rows(
    source: Source, split: str, root: str | None, label_ids: dict[str, int], key: str
) -> Iterator[dict[str, Any]]:
    row = None
    for row in source.rows(split, root):
        if row["label"] not in label_ids:
            remedy = "; say in ood_train.labels of the task what it stands for" if split == "ood_train" else ""
            raise UserError(
                f"split {split!r}, row {row['id']!r}: unknown label {row['label']!r}; known are {list(label_ids)}"
                + remedy
            )
        overlap = word_overlap(row["text_a"], row["text_b"])
        yield {**row, "label": label_ids[row["label"]], "overlap": overlap}
    if row is None:
        raise UserError(f"the split {split!r} of {type(source).__name__} has no rows")


def tokenise_pairs(rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int) -> dict[str, Any]:
    """What the tokenizer returns of rows' texts, each alone or both in one, up to a number of tokens."""
    pairs = rows["text_b"] if any(rows["text_b"]) else None
    return dict(tokenizer(rows["text_a"], pairs, truncation="longest_first", max_length=max_length))
