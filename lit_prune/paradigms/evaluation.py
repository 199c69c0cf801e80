"""Collects a model's logits over the evaluation sets and turns them into metrics and rows of predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from datasets import Dataset
from torch import Tensor

from lit_prune import metrics
from lit_prune.data.batch import Batch
from lit_prune.data.task import EvaluationSet


@dataclass(frozen=True)
class Predicted:
    """Logits (rows, classes) of one evaluation set, in the order of its rows."""

    of: EvaluationSet
    logits: Tensor

    @property
    def labels(self) -> Tensor:
        """Classes of the set (rows,)."""
        return torch.tensor(self.of.rows["label"][:])  # the column itself would be read row by row

    def metrics(self) -> dict[str, float]:
        """`<task>/<split>/<metric>` of the set."""
        rows = self.of.rows
        groups = {"group": list(rows["group"])}
        if any(rows["text_b"]):
            groups["overlap"] = [metrics.overlap_group(overlap) for overlap in rows["overlap"]]
        values = metrics.classification(
            self.logits, self.labels, self.of.labels, self.of.class_map, self.of.positive, groups
        )
        return {f"{self.of.name}/{name}": value for name, value in values.items()}

    def to_rows(self) -> Dataset:
        """Columns id, task, split, label, prediction, logits, loss; classes by name."""
        names = self.of.labels
        predicted = metrics.predictions(self.logits, self.of.class_map)
        return Dataset.from_dict(
            {
                "id": list(self.of.rows["id"]),
                "task": [self.of.task] * len(self.logits),
                "split": [self.of.split] * len(self.logits),
                "label": [names[number] for number in self.labels.tolist()],
                "prediction": [names[number] for number in predicted.tolist()],
                "logits": self.logits.tolist(),
                "loss": metrics.losses(self.logits, self.labels, self.of.class_map).tolist(),
            }
        )


class Collector:
    """Gathers logits batch by batch, in whatever order the loaders bring the rows."""

    def __init__(self, sets: Sequence[EvaluationSet]) -> None:
        self.sets = sets
        self.index: list[list[Tensor]] = [[] for _ in sets]
        self.logits: list[list[Tensor]] = [[] for _ in sets]

    def add(self, number: int, batch: Batch, logits: Tensor) -> None:
        """Add a batch of the set at this position."""
        self.index[number].append(batch.index.cpu())
        self.logits[number].append(logits.float().cpu())

    def predicted(self) -> list[Predicted]:
        """The sets that have been seen whole, rows in order (a debugging run may stop early)."""
        result = []
        for each, index, logits in zip(self.sets, self.index, self.logits, strict=True):
            if sum(map(len, index)) == len(each.rows):
                result.append(Predicted(each, torch.cat(logits)[torch.cat(index).argsort()]))
        return result
