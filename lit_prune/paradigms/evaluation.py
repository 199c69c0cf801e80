"""Collects a model's logits over the evaluation sets and turns them into metrics and rows of predictions."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from datasets import Dataset
from torch import Tensor

from lit_prune import metrics
from lit_prune.data.batch import Batch
from lit_prune.data.task import EvaluationSet, Task


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
    """Gathers logits batch by batch, in whatever order the loaders bring the rows to whichever process."""

    def __init__(self, sets: Sequence[EvaluationSet]) -> None:
        self.sets = sets
        self.logits = [torch.zeros(len(each.rows), len(each.class_map)) for each in sets]
        self.num_seen = [torch.zeros(len(each.rows), dtype=torch.int32) for each in sets]

    def add(self, number: int, batch: Batch, logits: Tensor) -> None:
        """Add a batch of the set at this position."""
        if batch.weight > 0:
            index = batch.index.cpu()
            self.logits[number][index] = logits.float().cpu()
            self.num_seen[number][index] += 1

    def predicted(self, sum_processes: Callable[[Tensor], Tensor] = lambda own: own) -> list[Predicted]:
        """The sets that have been seen whole (a debugging run may stop early), rows in order.

        Args:
            sum_processes: Adds a tensor up over all processes; every process gets the sum.
        """
        result = []
        for each, logits, num_seen in zip(self.sets, self.logits, self.num_seen, strict=True):
            num_seen = sum_processes(num_seen)
            assert num_seen.max() <= 1, "a row was evaluated twice"
            logits = sum_processes(logits)  # of the other processes it has zeros
            if num_seen.min() == 1:
                result.append(Predicted(each, logits))
        return result


def mean_selection(values: Mapping[str, float], tasks: Mapping[str, Task]) -> float:
    """What selects: the mean of the tasks' metrics on the validation cut, or on `id` where nothing was cut.

    Args:
        values: `<task>/<split>/<metric>`.
        tasks: The tasks by name.
    """
    chosen = [
        values.get(f"{name}/validation/{task.selection}", values.get(f"{name}/id/{task.selection}", math.nan))
        for name, task in tasks.items()
    ]
    return sum(chosen) / len(chosen)
