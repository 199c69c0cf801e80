"""`EvaluationSet`: rows to evaluate on, and the metrics and predictions that a model's logits give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor

from lit_prune import metrics

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class EvaluationSet:
    """A set that is evaluated: its rows, its classes and how the logits' classes map to them.

    A kind of task whose logits mean something else has a subclass that overrides the methods. Metrics are better when
    they are larger, except `error_metrics` and those named `..._error`.

    Attributes:
        task: The task's name.
        split: `validation` (cut from the training set), `id`, `id_mismatched`, `ood`, `ood_<set>` or
            `validation_ood`.
        rows: Tokenised rows with their `id`, `label` (-1: unknown), `group` and word `overlap`.
        labels: Class names of this set; empty if labels are no classes.
        class_map: For each class of the logits, its class here.
        positive: Index in the logits of the class whose score the AUROC ranks, or None for no AUROC.
    """

    # Metrics of the whole set, not of a class or group of it, that are better when larger: curves show them.
    whole_metrics: ClassVar[tuple[str, ...]] = (
        *("accuracy", "f1_macro", "matthews", "auroc"),
        *("f1", "f1_weighted", "mean_f1_accuracy"),
        "worst_group_accuracy",
    )
    error_metrics: ClassVar[tuple[str, ...]] = ("ece", "loss")  # also of the whole set, better when smaller

    task: str
    split: str
    rows: "Dataset"
    labels: tuple[str, ...] = ()
    class_map: tuple[int, ...] = ()
    positive: int | None = None

    @property
    def name(self) -> str:
        """The prefix of its metrics, `<task>/<split>`."""
        return f"{self.task}/{self.split}"

    @property
    def row_labels(self) -> Tensor:
        """The labels of its rows, (rows,) or more dimensions."""
        return torch.tensor(self.rows["label"][:])  # the column itself would be read row by row

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (rows, classes)."""
        return len(self.rows), len(self.class_map)

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that are the same for all models on these labels, so that they cannot select."""
        labels = self.row_labels
        names: list[str] = []
        if bool((labels == labels[:1]).all()):
            names.append("matthews")
        if self.positive is not None and not (labels == self.class_map[self.positive]).any():
            names.append("f1")
        return tuple(names)

    def choose(self, logits: Tensor) -> dict[str, float]:
        """Return settings of the predictions that this set selects, such as thresholds, by name; here none.

        It is called on the set that selects, at every evaluation; `settled` passes it to all sets of the task.
        """
        return {}

    def settled(self, chosen: Mapping[str, float]) -> Self:
        """Return the set with what `choose` returned."""
        return self

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute the metrics by name, from logits of this set's shape."""
        groups = {"group": list(self.rows["group"])}
        if any(self.rows["text_b"]):
            groups["overlap"] = [metrics.overlap_group(overlap) for overlap in self.rows["overlap"]]
        return metrics.classification(logits, self.row_labels, self.labels, self.class_map, self.positive, groups)

    def teacher_predictions(self, logits: Tensor) -> Tensor:
        """Return the predictions that a loss compares with, given a teacher's logits: of classes, log-probabilities.

        They are on the rows of a training set; see `losses.Examples` for other kinds.
        """
        return logits.log_softmax(-1)

    def constant_metrics(self) -> dict[str, float]:
        """Compute the majority baseline: the best value of each whole metric over the constant predictions.

        It is empty if rows do not share their answers.
        """
        found: dict[str, float] = {}
        for row in self.constant_logits():
            for name, value in self.metrics(row.expand(self.logits_shape)).items():
                if name in self.whole_metrics:
                    found[name] = max(value, found.get(name, value))
        return found

    def constant_logits(self) -> Tensor:
        """Return the logits of a row for each constant prediction of the baseline, (predictions, classes)."""
        return torch.eye(self.logits_shape[-1]) if len(self.logits_shape) == 2 else torch.zeros(0)

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return the columns of `predict`, which need no label: id, prediction, and the model's confidence.

        Args:
            logits: Logits of this set's shape.
            names: Class names of the logits; an OOD set may have merged them.

        Returns:
            The columns; for classes the confidence is `probability_<class>`.
        """
        shares = logits.double().softmax(dim=-1)
        return {
            "id": list(self.rows["id"]),
            "prediction": [names[number] for number in logits.argmax(dim=-1).tolist()],
            **{f"probability_{name}": shares[:, number].tolist() for number, name in enumerate(names)},
        }

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """Return the columns of a run's predictions: id, label, prediction, logits and loss of each example.

        Labels and predictions are texts, classes by name.
        """
        right = self.row_labels
        return {
            "id": list(self.rows["id"]),
            "label": [self.labels[number] for number in right.tolist()],
            "prediction": [self.labels[number] for number in metrics.predictions(logits, self.class_map).tolist()],
            "logits": logits.tolist(),
            "loss": metrics.losses(logits, right, self.class_map).tolist(),
        }
