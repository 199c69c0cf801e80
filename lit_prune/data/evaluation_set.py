"""`EvaluationSet`: rows to report on, and what a model's logits say of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor

from lit_prune import metrics


@dataclass(frozen=True)
class EvaluationSet:
    """A set that is reported on: its rows, its classes and how the logits' classes map to them.

    A task of another kind than classification has a subclass, in which the logits mean something else; `logits_shape`,
    `metrics`, `constant_metrics`, `predictions` and `columns` are all that whoever evaluates asks of a set.

    Attributes:
        task: The task's name.
        split: `validation` (cut from the training set), `id`, `id_mismatched`, `ood` or `ood_<set>`.
        rows: Tokenised rows with their `id`, `label` (-1: not known), `group` and word `overlap`.
        labels: Class names of this set; none where labels are no classes.
        class_map: For each class of the logits, its class here.
        positive: Index in the logits of the class whose score the AUROC ranks, None: there is no AUROC.
    """

    task: str
    split: str
    rows: Dataset
    labels: tuple[str, ...] = ()
    class_map: tuple[int, ...] = ()
    positive: int | None = None

    @property
    def name(self) -> str:
        """The prefix of its metrics, `<task>/<split>`."""
        return f"{self.task}/{self.split}"

    @property
    def row_labels(self) -> Tensor:
        """The labels of its rows, (rows,) or what a row has."""
        return torch.tensor(self.rows["label"][:])  # the column itself would be read row by row

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (rows, classes)."""
        return len(self.rows), len(self.class_map)

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """The metrics by name, from logits of this set's shape."""
        groups = {"group": list(self.rows["group"])}
        if any(self.rows["text_b"]):
            groups["overlap"] = [metrics.overlap_group(overlap) for overlap in self.rows["overlap"]]
        return metrics.classification(logits, self.row_labels, self.labels, self.class_map, self.positive, groups)

    def constant_metrics(self) -> dict[str, float]:
        """The most that one answer to all rows gets, by each of the metrics of a whole set.

        Empty where rows do not share their answers.
        """
        if len(self.logits_shape) != 2:
            return {}
        found: dict[str, float] = {}
        for number in range(self.logits_shape[1]):
            logits = torch.zeros(self.logits_shape)
            logits[:, number] = 1.0
            for name, value in self.metrics(logits).items():
                if name in metrics.OF_WHOLE_SETS:
                    found[name] = max(value, found.get(name, value))
        return found

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """What a model says of each example, which needs no label: id, prediction, and how sure it is.

        Args:
            logits: Of this set's shape.
            names: Of classes, the names of those that the logits tell apart, which an OOD set may have merged.

        Returns:
            Of classes also `probability_<class>`, of spans the `score` of the answer.
        """
        shares = logits.double().softmax(dim=-1)
        return {
            "id": list(self.rows["id"]),
            "prediction": [names[number] for number in logits.argmax(dim=-1).tolist()],
            **{f"probability_{name}": shares[:, number].tolist() for number, name in enumerate(names)},
        }

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """What is known of each example, from logits of this set's shape: id, label, prediction, logits, loss.

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
