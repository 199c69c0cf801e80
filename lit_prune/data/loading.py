"""Loaders of rows: which rows a process gets, and in what batches."""

import os
import signal
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.utils.data import DataLoader

from lit_prune.data.batch import Batch, Collate
from lit_prune.data.table import count_tokens
from lit_prune.data.tasks.evaluation_set import EvaluationSet


def evaluation_loader(
    each: EvaluationSet, batch_size: int, collate: Collate, num_workers: int = 0, rank: int = 0, num_processes: int = 1
) -> DataLoader[Batch]:
    """Build the loader of an evaluation set: every row once, rows of similar length together.

    Args:
        each: The set.
        batch_size: Rows per batch, over all processes.
        collate: Makes rows a batch.
        num_workers: Worker processes.
        rank: Which of the processes this is; it gets its share of every batch.
        num_processes: How many there are.
    """
    return DataLoader(
        TaskRows({each.task: each.rows}, collate, rank, num_processes),
        batch_sampler=_by_length(each, batch_size),
        collate_fn=collate,
        num_workers=num_workers,
        worker_init_fn=end_on_sigterm,
        generator=torch.Generator(),  # an iterator would else draw from the global one
    )


def end_on_sigterm(worker: int) -> None:
    """End a worker on SIGTERM without an error; a signal to a group of processes also reaches its own process."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))


class TaskRows(torch.utils.data.Dataset[Any]):
    """Rows of several sets; a key is (task, row number), a fetch is the columns of one task's rows.

    Every process asks for the same batches, and gets its share of each: every `num_processes`-th row.
    """

    def __init__(self, sets: dict[str, Dataset], collate: Collate, rank: int = 0, num_processes: int = 1) -> None:
        self.rank = rank
        self.num_processes = num_processes
        self.sets = {
            name: rows.select_columns([each for each in rows.column_names if each in collate.columns(name)])
            for name, rows in sets.items()
        }

    def __getitems__(self, keys: list[tuple[str, int]]) -> dict[str, Any]:
        task = keys[0][0]
        index = [row for _, row in keys[self.rank :: self.num_processes]]
        weight = len(index) * self.num_processes / len(keys)
        index = index or [keys[0][1]]  # a model cannot run on nothing: a row of weight 0
        return {"task": task, "index": index, "weight": weight, **self.sets[task][index]}


def _by_length(each: EvaluationSet, batch_size: int) -> list[list[tuple[str, int]]]:
    order = np.argsort(count_tokens(each.rows), kind="stable").tolist()
    return [
        [(each.task, row) for row in order[start : start + batch_size]] for start in range(0, len(order), batch_size)
    ]
