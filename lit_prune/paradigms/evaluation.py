"""Collects a model's logits over the evaluation sets and turns them into metrics and rows of predictions."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lit_prune import metrics
from lit_prune.answers import Answer, find_answers
from lit_prune.data.batch import Batch
from lit_prune.data.spans import SpanSet, number_ids
from lit_prune.data.table import count_tokens
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


class PredictedSpans(Predicted):
    """Logits (windows, length, 2) of one set of questions, in the order of its windows."""

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """The answer to each question, by its id."""
        windows = self.of.rows
        starts, ends = (self._places(name) for name in ("char_starts", "char_ends"))
        return find_answers(self.logits, starts, ends, windows["id"][:], windows["text_b"][:])

    def _places(self, name: str) -> Tensor:
        """Characters (windows, length), -1 beyond a window's end."""
        places = [torch.tensor(each) for each in self.of.rows.with_format("numpy")[name][:]]
        padded = pad_sequence(places, batch_first=True, padding_value=-1)
        return F.pad(padded, (0, self.logits.shape[1] - padded.shape[1]), value=-1)

    @cached_property
    def losses(self) -> Tensor:
        """The cross-entropy of each window's label over its own tokens (windows,), mean of first and last."""
        windows = self.of.rows
        lengths = torch.tensor(count_tokens(windows))
        beyond = torch.arange(self.logits.shape[1]) >= lengths[:, None]
        logits = self.logits.masked_fill(beyond[..., None], -torch.inf)
        return F.cross_entropy(logits, torch.tensor(windows["label"][:]), reduction="none").mean(1)

    @cached_property
    def questions(self) -> Dataset:
        """A row per question: id, group, right `answers`, the `answer` found, its `score`, its windows' mean `loss`."""
        numbers = number_ids(self.of.rows["id"][:])
        _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
        rows = self.of.rows.select(first).select_columns(["id", "group", "answers"])
        found = [self.answers[question] for question in rows["id"][:]]
        losses = np.bincount(numbers, weights=self.losses.numpy()) / counts
        rows = rows.add_column("answer", [each.text for each in found])
        return rows.add_column("score", [each.score for each in found]).add_column("loss", losses)

    def metrics(self) -> dict[str, float]:
        """`<task>/<split>/<metric>` of the set: exact_match, f1 (of groups too), and loss, means over questions."""
        rows = self.questions
        values = metrics.answering(rows["answer"][:], rows["answers"][:], rows["group"][:])
        values["loss"] = float(np.mean(rows["loss"][:]))
        return {f"{self.of.name}/{name}": value for name, value in values.items()}

    def to_rows(self) -> Dataset:
        """Columns id, task, split, label, prediction, logits, loss, a row per question.

        The label is its first right answer, the prediction the answer found, and `logits` this one's score alone.
        """
        rows = self.questions
        return Dataset.from_dict(
            {
                "id": rows["id"][:],
                "task": [self.of.task] * len(rows),
                "split": [self.of.split] * len(rows),
                "label": [answers[0] for answers in rows["answers"][:]],
                "prediction": rows["answer"][:],
                "logits": [[score] for score in rows["score"][:]],
                "loss": rows["loss"][:],
            }
        )


class Collector:
    """Gathers logits batch by batch, in whatever order the loaders bring the rows to whichever process."""

    def __init__(self, sets: Sequence[EvaluationSet]) -> None:
        self.sets = sets
        self.logits = [torch.zeros(each.logits_shape) for each in sets]
        self.num_seen = [torch.zeros(len(each.rows), dtype=torch.int32) for each in sets]

    def add(self, number: int, batch: Batch, logits: Tensor) -> None:
        """Add a batch of the set at this position."""
        if batch.weight > 0:
            index = batch.index.cpu()
            self.logits[number][index, : logits.shape[1]] = logits.float().cpu()  # of windows, some are shorter
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
                result.append(PredictedSpans(each, logits) if isinstance(each, SpanSet) else Predicted(each, logits))
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
