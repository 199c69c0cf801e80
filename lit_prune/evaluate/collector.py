"""Collects a model's logits over the evaluation sets and turns them into metrics and rows of predictions."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from datasets import Dataset
from torch import Tensor

from lit_prune.data.batch import Batch
from lit_prune.data.selection_metric import selecting_set
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.task import Task


@dataclass(frozen=True)
class Predicted:
    """Logits of one evaluation set, in its `logits_shape` (of classes: rows, classes) and in the order of its rows.

    Attributes:
        of: The set.
        logits: The logits.
        chosen: What was chosen on this set, such as thresholds; it counts among the metrics.
    """

    of: EvaluationSet
    logits: Tensor
    chosen: Mapping[str, float] = field(default_factory=dict)

    @property
    def labels(self) -> Tensor:
        """The labels of the set's rows (rows,)."""
        return self.of.row_labels

    def metrics(self) -> dict[str, float]:
        """`<task>/<split>/<metric>` of the set."""
        values = self.of.metrics(self.logits) | dict(self.chosen)
        return {f"{self.of.name}/{name}": value for name, value in values.items()}

    def to_rows(self) -> Dataset:
        """Columns id, task, split, label, prediction, logits, loss; a row per example."""
        columns = self.of.columns(self.logits)
        ids = columns.pop("id")
        where = {"task": [self.of.task] * len(ids), "split": [self.of.split] * len(ids)}
        return Dataset.from_dict({"id": ids, **where, **columns})


class Collector:
    """Gathers logits batch by batch, in whatever order the loaders bring the rows to whichever process."""

    def __init__(self, sets: Sequence[EvaluationSet]) -> None:
        self.sets = sets
        self.logits: dict[int, Tensor] = {}
        self.num_seen = [torch.zeros(len(each.rows), dtype=torch.int32) for each in sets]

    def add(self, number: int, batch: Batch, logits: Tensor) -> None:
        """Add a batch of the set at this position; its logits may have a row for each text of an example."""
        logits = logits.reshape(len(batch.index), -1, *logits.shape[1:]).squeeze(1)
        if number not in self.logits:  # the width of embeddings is the model's
            self.logits[number] = torch.zeros(*self.sets[number].logits_shape[:-1], logits.shape[-1])
        if batch.weight > 0:
            index = batch.index.cpu()
            self.logits[number][index, : logits.shape[1]] = logits.float().cpu()  # of windows, some are shorter
            self.num_seen[number][index] += 1

    def predicted(self, sum_processes: Callable[[Tensor], Tensor] = lambda own: own) -> list[Predicted]:
        """Return the sets that have been seen whole (a debugging run may stop early), rows in order.

        Args:
            sum_processes: Adds a tensor up over all processes; every process gets the sum.
        """
        result = []
        for number, (each, num_seen) in enumerate(zip(self.sets, self.num_seen, strict=True)):
            num_seen = sum_processes(num_seen)
            assert num_seen.max() <= 1, "a row was evaluated twice"
            if num_seen.min() == 1:
                logits = sum_processes(self.logits[number])  # of the other processes it has zeros
                result.append(Predicted(each, logits))
        return result


def settled(predicted: Sequence[Predicted]) -> list[Predicted]:
    """Return the sets with what each task chooses on its set that selects, such as thresholds."""
    result = list(predicted)
    for task in dict.fromkeys(each.of.task for each in predicted):
        sets = {each.of.split: each for each in predicted if each.of.task == task}
        if not sets.keys() & {"validation", "id"}:  # of a debugging run
            continue
        selecting = selecting_set([each.of for each in sets.values()])
        chosen = selecting.choose(sets[selecting.split].logits)
        for number, each in enumerate(result):
            if each.of.task == task:
                own = chosen if each.of is selecting else {}
                result[number] = Predicted(each.of.settled(chosen), each.logits, own)
    return result


def mean_selection(values: Mapping[str, float], tasks: Mapping[str, Task]) -> float:
    """Return the mean of the tasks' selection metrics, on `validation` or, without a validation set, on `id`.

    Args:
        values: `<task>/<split>/<metric>`.
        tasks: The tasks that select, by name.
    """
    chosen = [
        values.get(f"{name}/validation/{task.selection}", values.get(f"{name}/id/{task.selection}", math.nan))
        for name, task in tasks.items()
    ]
    return sum(chosen) / len(chosen)


def macro_average(values: Mapping[str, float], tasks: Mapping[str, Task]) -> dict[str, float]:
    """`macro`, the mean of several tasks' selection metrics on `id`; empty where there is one task, or a set lacks."""
    names = [f"{name}/id/{task.selection}" for name, task in tasks.items()]
    if len(names) == 1 or not values.keys() >= set(names):
        return {}
    return {"macro": sum(values[name] for name in names) / len(names)}
