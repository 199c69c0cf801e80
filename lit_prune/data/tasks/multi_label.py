"""`MultiLabelTask`: any number of labels for a text or a pair of texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import torch
from torch import Tensor

from lit_prune.data.metric_names import check_class_names
from lit_prune.data.sources.source import Row, Source
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.label_sets import best_thresholds, label_metrics, losses, predicted_labels
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.losses import BinaryCrossEntropy

if TYPE_CHECKING:
    from datasets import Dataset

SEPARATOR = ";"  # of the names of a set in predictions
_CERTAIN = 100.0  # a logit whose probability is 1, or with a minus 0, in double precision


@dataclass(frozen=True)
class LabelSet(EvaluationSet):
    """A set whose rows have any number of labels; the logits (rows, labels) are of each label by itself.

    Attributes:
        thresholds: The probability from which on each label is predicted. If None, those that the set that selects
            chooses, and .5 before it does.
    """

    whole_metrics: ClassVar[tuple[str, ...]] = (
        *("f1_micro", "f1_macro", "exact_match"),
        *("auroc_macro", "worst_group_f1_micro"),
    )
    error_metrics: ClassVar[tuple[str, ...]] = ("loss",)

    thresholds: tuple[float, ...] | None = None

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that are 0 for all models: F1 of labels that never occur."""
        occurs = self.row_labels.bool().any(0)
        absent = tuple(f"f1_{name}" for name, found in zip(self.labels, occurs.tolist(), strict=True) if not found)
        return absent if occurs.any() else ("f1_micro", "f1_macro", *absent)

    def choose(self, logits: Tensor) -> dict[str, float]:
        """Choose the thresholds, `threshold_<label>`, by which the F1 of each label is largest on this set."""
        if self.thresholds is not None:
            return {}
        return _by_metric(self.labels, best_thresholds(logits, self.row_labels))

    def teacher_predictions(self, logits: Tensor) -> Tensor:
        """Return the teacher's logits."""
        return logits

    def settled(self, chosen: Mapping[str, float]) -> Self:
        """Return the set with chosen thresholds."""
        return replace(self, thresholds=tuple(chosen.values())) if chosen else self

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute the metrics by name; see `label_metrics`."""
        return label_metrics(logits, self.row_labels, self.labels, self.thresholds, self.rows["group"][:])

    def constant_logits(self) -> Tensor:
        """Return the logits of three constant sets: the best micro F1, all labels that occur, the most frequent set.

        The best for a worst group may be another.
        """
        right = self.row_labels.bool()
        totals, ranked = right.sum(0).sort(descending=True, stable=True)
        sizes = torch.arange(1, len(totals) + 1)
        best_size = int((totals.cumsum(0) / (sizes * len(right) + totals.sum())).argmax()) + 1
        best = torch.zeros(len(totals), dtype=torch.bool)
        best[ranked[:best_size]] = True
        sets, counts = torch.unique(right, dim=0, return_counts=True)
        chosen = torch.stack([best, right.any(0), sets[counts.argmax()]])
        return torch.where(chosen, _CERTAIN, -_CERTAIN)

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return the columns of `predict`: id, the names of the predicted labels as a text, and `probability_<label>`.

        Args:
            logits: (rows, labels).
            names: Names of the labels.
        """
        shares = logits.double().sigmoid()
        return {
            "id": list(self.rows["id"]),
            "prediction": _joined(predicted_labels(logits, self.thresholds), names),
            **{f"probability_{name}": shares[:, number].tolist() for number, name in enumerate(names)},
        }

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """Return id, label, prediction, logits and loss of each row; the names of a set as one text."""
        right = self.row_labels
        return {
            "id": list(self.rows["id"]),
            "label": _joined(right.bool(), self.labels),
            "prediction": _joined(predicted_labels(logits, self.thresholds), self.labels),
            "logits": logits.tolist(),
            "loss": losses(logits, right).tolist(),
        }


class MultiLabelTask(Task):
    """Classification of a text or a pair of texts with any number of labels, also none.

    The loss is the binary cross-entropy in every phase. A label is predicted if its probability, the sigmoid of its
    logit, is at least its threshold. At every evaluation the thresholds are chosen on the set that selects
    checkpoints (see `best_thresholds`), where they are recorded as `threshold_<label>`, and hold for all other sets.
    Metrics are those of `label_metrics`; `f1_micro` selects. OOD rows in training, merged classes and bias models are
    for tasks of classes only.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        labels: Names of the labels, in the order of the logits: one or more.
        source: The rows, with a list of labels each.
        thresholds: The probability from which on each label is predicted, in the order of the labels. If None, they are
            chosen on the set that selects.
        max_length: Maximum number of tokens of a row. If None, the data module's.
        batch_size: Rows per training batch. If None, the data module's.
        selection: The metric that selects checkpoints, one of `metric_names`. If None, `f1_micro`.
    """

    features = {**dict.fromkeys(("id", "text_a", "text_b", "group"), "string"), "label": ["float32"]}
    settings = ("labels", "thresholds", "max_length")
    separator = SEPARATOR
    set_class = LabelSet
    card_metrics = ("f1_micro", "f1_macro", "exact_match")

    def __init__(
        self,
        name: str,
        labels: list[str],
        source: Source,
        thresholds: list[float] | None = None,
        max_length: int | None = None,
        batch_size: int | None = None,
        selection: str | None = None,
    ) -> None:
        self.name = name
        self.labels = tuple(labels)
        self.source = source
        self.thresholds = None if thresholds is None else tuple(thresholds)
        self.max_length = max_length
        self.batch_size = batch_size
        self.loss = BinaryCrossEntropy()
        self._check()
        self.selection = self.checked(selection or "f1_micro")

    def _check(self) -> None:
        labels = list(self.labels)
        if not labels or len({*labels}) < len(labels):
            raise UserError(
                f"labels of task {self.name!r} must be one or more different names, got {labels}: correct them"
            )
        check_class_names(self.name, labels)
        for label in labels:
            if SEPARATOR in label or label == "macro" or f"{label}_".startswith("micro_"):
                raise UserError(
                    f"labels of task {self.name!r} must have no {SEPARATOR!r}, which joins them in predictions, and "
                    f"not be macro, micro or micro_..., which name metrics, got {label!r}: rename it, by `labels` of "
                    "the source's splits"
                )
        if self.thresholds is not None and (
            len(self.thresholds) != len(labels) or not all(0 <= each <= 1 for each in self.thresholds)
        ):
            raise UserError(
                f"thresholds of task {self.name!r} must be {len(labels)} probabilities, one for each label, got "
                f"{list(self.thresholds)}: correct them, or leave them out to have them chosen"
            )

    # ---- metrics ---------------------------------------------------------------------------------------------------

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints; for each, larger is better."""
        return (*LabelSet.whole_metrics, *(f"f1_{label}" for label in self.labels))

    def evaluation_set(self, split: str, rows: "Dataset") -> EvaluationSet:
        """Wrap the tokenised rows of a split as a set to evaluate on, with the task's thresholds."""
        each = super().evaluation_set(split, rows)
        assert isinstance(each, LabelSet)
        return replace(each, thresholds=self.thresholds)

    def settle(self, values: Mapping[str, float]) -> None:
        """Take the thresholds that a run chose, unless the task has its own."""
        if self.thresholds is not None:
            return
        for split in ("validation", "id"):
            names = [f"{self.name}/{split}/{name}" for name in _by_metric(self.labels, self.labels)]
            if values.keys() >= {*names}:
                self.thresholds = tuple(float(values[name]) for name in names)
                self._check()
                return
        raise UserError(f"metrics must have threshold_<label> of task {self.name!r}, got none: restore the file")

    # ---- rows ------------------------------------------------------------------------------------------------------

    def converter(self, split: str, labelled: bool) -> Callable[[Row], dict[str, Any]]:
        """Return the function that makes a row's labels 1 or 0 for each label of the task."""
        return partial(with_labels, split=split, labels=self.labels, labelled=labelled)

    def absent_labels(self, train: "Dataset") -> list[str]:
        """Return the labels that no training row has."""
        found = torch.tensor(train["label"][:]).any(0)
        return [label for label, occurs in zip(self.labels, found.tolist(), strict=True) if not occurs]

    # ---- the model -------------------------------------------------------------------------------------------------

    def label_sets(self, logits: Tensor) -> list[list[str]]:
        """Return the names of the labels that logits (rows, labels) predict for each row."""
        return _names(predicted_labels(logits, self.thresholds), self.labels)

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        if self.thresholds is None:
            return f"labels {', '.join(self.labels)}, any number of them"
        named = (f"{label} {least:.4f}" for label, least in zip(self.labels, self.thresholds, strict=True))
        return f"labels, predicted where the sigmoid of their logit is at least their threshold: {', '.join(named)}"

    @property
    def example_predictions(self) -> str:
        """The line of a model card's example that makes logits predictions."""
        return "predictions = model.tasks[model.task].label_sets(logits)\n"

    @property
    def transformers_settings(self) -> dict[str, Any]:
        """Settings of the task in the configuration of its model in transformers."""
        return super().transformers_settings | {"problem_type": "multi_label_classification"}


def with_labels(row: Row, split: str, labels: Sequence[str], labelled: bool) -> dict[str, Any]:
    """Return a row whose label is 1 for each label that it has and else 0, -1 throughout if it is unlabelled.

    Raises:
        UserError: the row has a single label instead of a list, or an unknown label.
    """
    plain = {name: row[name] for name in ("id", "text_a", "text_b", "group")}
    if not labelled:
        return {**plain, "label": [-1.0] * len(labels)}
    names = cast(list[str] | None, row.get("labels"))
    where = f"row {row['id']!r} in split {split!r}"
    if names is None:
        raise UserError(
            f"labels of {where} must be a list of names, got {row['label']!r}: give lists, set the `separator` of the "
            "names in a cell, or read a task of classes (lit_prune.data.Task)"
        )
    if unknown := [name for name in names if name not in labels]:
        raise UserError(f"unknown label {unknown[0]!r} of {where}: choose from {', '.join(labels)}")
    return {**plain, "label": [float(label in names) for label in labels]}


def _by_metric(labels: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return {f"threshold_{label}": value for label, value in zip(labels, values, strict=True)}


def _names(predicted: Tensor, labels: Sequence[str]) -> list[list[str]]:
    """Return the names of the labels of each row, of (rows, labels) bool."""
    return [[label for label, found in zip(labels, row, strict=True) if found] for row in predicted.tolist()]


def _joined(predicted: Tensor, labels: Sequence[str]) -> list[str]:
    return [SEPARATOR.join(names) for names in _names(predicted, labels)]
