"""`Task`: the classes of texts or pairs of texts, where the rows come from, and how they become tokens."""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from lit_prune.data.bias.model import BiasModel
from lit_prune.data.metric_names import check_class_names, check_task_name
from lit_prune.data.ood import OodTraining, classes_of_labels, is_ood
from lit_prune.data.published import check_published
from lit_prune.data.sources.source import UNLABELLED, Layout, Row, Source
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.texts import tokenise_pairs, with_class
from lit_prune.errors import UserError
from lit_prune.heads import Classification, Encoder
from lit_prune.losses import Loss

if TYPE_CHECKING:
    from datasets import Dataset


class Task:
    """Classification of a text or a pair of texts.

    A kind of task is a subclass in a file of its own. It overrides what differs: the columns of its examples, how a row
    becomes an example and an example tokens, its head, its evaluation sets with their metrics, and, if it is not the
    phase's, its loss. Class attributes and properties describe it to model cards, exports and the commands.

        Task("nli", ["contradiction", "entailment", "neutral"], GeneratedNli(), positive="entailment")

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`): letters, digits, _ and -.
        labels: Class names, in the order of the logits.
        source: The rows.
        positive: The class that AUROC and, with two classes, F1 are computed for, such as `entailment`. None for
            neither.
        merge: Class -> class in OOD sets with fewer classes (HANS: contradiction and neutral are non_entailment).
            Predictions are merged after the arg-max.
        bias: A model of the data set's bias, fitted on the training set, for losses that need one. It never sees OOD
            examples, and all classes are equally likely for them.
        max_length: Maximum number of tokens of an example. None for the data module's.
        batch_size: Examples per training batch. None for the data module's.
        ood_train: The use of the source's split `ood_train` in training. None if it has the task's labels and occurs
            once in the training set.
        selection: The metric that selects checkpoints, one of `metric_names` (SRNets: `f1` for duplicate questions).
            None for accuracy.
        loss: The loss of this task in every phase. None for the phase's. It must not learn or need a teacher.
        validation: A published validation cut of the training set, such as `fu2023/RTE` (`lit_prune.data.published`).
            None for a random cut of the data module's share.
        num_train: Training examples, drawn at random by the data module's seed. None for all.
    """

    # Plain columns of its examples -> their types: a name of Arrow, or a list of one type for lists.
    features: ClassVar[Mapping[str, Any]] = {
        **dict.fromkeys(("id", "text_a", "text_b", "group"), "string"),
        "label": "int64",
        "overlap": "float64",  # in float32 a .2 is above .2
    }
    settings: ClassVar[tuple[str, ...]] = ("labels", "positive", "merge", "max_length")  # rebuild it from plain values
    needs_labels: ClassVar[bool] = True  # else files without a column of labels can be evaluated too
    separator: ClassVar[str | None] = None  # of the names in a cell, if an example has several labels
    makes_windows: ClassVar[bool] = False  # an example may become several rows
    reads_pooler: ClassVar[bool] = True  # else the head reads hidden states alone
    head_inputs: ClassVar[tuple[str, ...]] = ()  # columns of tokens that the head reads beside the encoder's output
    labels_tokens: ClassVar[bool] = False  # a row's label is a number for each of its tokens
    set_class: ClassVar[type[EvaluationSet]] = EvaluationSet

    # What model cards and exports say of it.
    card_metrics: ClassVar[tuple[str, ...]] = ("accuracy", "auroc", "f1")
    pipeline: ClassVar[str] = "text-classification"  # the hub's name of such tasks
    architecture: ClassVar[str | None] = "SequenceClassification"  # transformers' <Family>For...; None: it has none
    example_inputs: ClassVar[str] = ""  # lines of the card's example that add `head_inputs` to `inputs`
    loader: ClassVar[str] = ""  # code that loads a dense export without lit_prune, if transformers lacks the head

    labels: tuple[str, ...] = ()
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
            raise UserError(f"labels of task {name!r} must be two or more different names, got {labels}: correct them")
        for value, where in [(positive, "positive"), *((key, "merge") for key in self.merge)]:
            if value is not None and value not in self.labels:
                raise UserError(f"unknown label {value!r} in {where} of task {name!r}: choose from {', '.join(labels)}")
        if self.merge and len(self.labels_of("ood")) < 2:
            raise UserError(
                f"merge of task {name!r} must leave two classes or more, got {self.merge}: leave out one of {labels}"
            )
        for split in ("id", "ood"):
            check_class_names(name, self.labels_of(split))
        self.ood_train.check(labels, f"task {name!r}")
        if loss is not None and (loss.has_state or "teacher" in loss.needs):
            raise UserError(
                f"loss of task {name!r} must not {'learn' if loss.has_state else 'need a teacher'}, got "
                f"{type(loss).__name__}: set it as a phase's loss, or choose another"
            )
        self.selection = self.checked(selection or "accuracy")

    @property
    def name(self) -> str:
        """The name; a UserError where metrics, files or modules cannot have it."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_task_name(name)

    # ---- metrics ---------------------------------------------------------------------------------------------------

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints; for each, larger is better."""
        of_positive: tuple[str, ...] = ()
        if self.positive is not None:
            of_positive = ("auroc", "f1", "f1_weighted", "mean_f1_accuracy") if len(self.labels) == 2 else ("auroc",)
        of_classes = (f"accuracy_{label}" for label in self.labels)
        return ("accuracy", "worst_group_accuracy", "f1_macro", "matthews", *of_positive, *of_classes)

    def checked(self, selection: str) -> str:
        """Return the name of the selection metric; a UserError if the task has no such metric."""
        if selection not in self.metric_names:
            needs_positive = "positive" in self.settings and self.positive is None
            remedy = " (with a `positive` label also auroc, and of two, f1)" if needs_positive else ""
            known = ", ".join(self.metric_names)
            raise UserError(f"unknown selection {selection!r} of task {self.name!r}: choose from {known}{remedy}")
        return selection

    def evaluation_set(self, split: str, rows: "Dataset") -> EvaluationSet:
        """Wrap the tokenised rows of a split as a set to evaluate on."""
        return self.set_class(
            task=self.name,
            split=split,
            rows=rows,
            labels=self.labels_of(split),
            class_map=self.class_map(split),
            positive=None if self.positive is None else self.labels.index(self.positive),
        )

    def settle(self, values: Mapping[str, float]) -> None:
        """Set what a run chose on the set that selects, such as thresholds; here nothing.

        Args:
            values: The run's metrics, `<task>/<split>/<metric>`; a UserError if they lack it.
        """

    # ---- classes ---------------------------------------------------------------------------------------------------

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that the logits are of, in their order; empty if they are of none."""
        return self.labels

    @property
    def label_classes(self) -> Tensor | None:
        """For each label of the training set, whether it may be each class, (labels, classes) bool.

        None if every label is the class of its number.
        """
        merged = self.ood_train.merged(self.labels)
        return torch.tensor(classes_of_labels(len(self.labels), merged)) if merged else None

    def labels_of(self, split: str) -> tuple[str, ...]:
        """Return the class names of a split; OOD sets have the merged ones."""
        if is_ood(split):
            return tuple(dict.fromkeys(self.merge.get(label, label) for label in self.labels))
        return self.labels

    def class_map(self, split: str) -> tuple[int, ...]:
        """Return, for each class of the logits, its class in a split."""
        labels = self.labels_of(split)
        return tuple(labels.index(label if label in labels else self.merge[label]) for label in self.labels)

    def absent_labels(self, train: "Dataset") -> list[str]:
        """Return the classes without a training row."""
        seen = set(train["label"][:]) if self.labels else set()
        return [label for number, label in enumerate(self.labels) if number not in seen]

    # ---- rows ------------------------------------------------------------------------------------------------------

    def with_source(self, source: Source) -> Self:
        """Return the task with other rows."""
        task = copy.copy(self)
        task.source = source
        return task

    def converter(self, split: str, labelled: bool) -> Callable[[Row], dict[str, Any]]:
        """Return the function that makes a row of the source an example, with the columns of `features`.

        The cache is keyed by the function and its arguments: return a function of a module, or a `partial` of one.
        """
        known = {label: number for number, label in enumerate(self.labels_of(split))}
        known |= dict(zip(self.labels, self.class_map(split), strict=True))
        if split == "ood_train":
            known |= self.ood_train.label_ids(self.labels)
        return partial(with_class, split=split, label_ids=known if labelled else {UNLABELLED: -1})

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raise a UserError if its rows cannot be tokenised by this tokenizer."""

    def tokeniser(self, max_length: int) -> Callable[..., dict[str, Any]]:
        """Return the function (columns, tokenizer=...) that gives a batch of examples their columns of tokens.

        Args:
            max_length: Maximum number of tokens of a row, unless the task has its own.
        """
        return partial(tokenise_pairs, max_length=self.max_length or max_length)

    def units(self, rows: "Dataset") -> np.ndarray:
        """Number the example of each row from 0, (rows,); a cut takes whole examples."""
        return np.arange(len(rows))

    def layout(self, labelled: bool) -> Layout | None:
        """Return the layout of the files that `test` (labelled) or `predict` reads, or None for tables."""
        return None

    # ---- the model -------------------------------------------------------------------------------------------------

    def make_head(self, encoder: Encoder) -> nn.Module:
        """Build a head, from hidden states (batch, length, width) and the pooled token (batch, width) to logits."""
        return Classification(
            encoder.hidden_size, len(self.labels), encoder.hidden_dropout, encoder.has_pooler, encoder.head_transform
        )

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        return f"classes {', '.join(self.labels)}"

    @property
    def example_texts(self) -> str:
        """The arguments of the tokenizer in a model card's example."""
        return '"A text.", "A second, for tasks of pairs."'

    @property
    def example_predictions(self) -> str:
        """The line of a model card's example that makes logits predictions; empty if they are no classes."""
        return "predictions = [model.labels[number] for number in logits.argmax(-1)]\n" if self.labels else ""

    @property
    def num_outputs(self) -> int:
        """The logits of a row, `num_labels` of transformers."""
        return len(self.labels)

    @property
    def transformers_settings(self) -> dict[str, Any]:
        """Settings of the task in the configuration of its model in transformers."""
        return {
            "id2label": dict(enumerate(self.labels)),
            "label2id": {label: number for number, label in enumerate(self.labels)},
            "problem_type": "single_label_classification",
        }

    def files_beside(self, encoder: Any, max_length: int) -> Mapping[str, Any]:
        """Return further files of a dense export, by path, as values of JSON.

        Args:
            encoder: The `PrunableEncoder`.
            max_length: Maximum number of tokens of an example in training, unless the task has its own.
        """
        return {}
