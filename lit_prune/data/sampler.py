"""The training batches of every step, a pure function of (seed, step): resuming needs no sampler state."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from torch.utils.data import Sampler

WINDOW = 16  # batches whose rows are sorted by length together


class TaskBatchSampler(Sampler[list[tuple[str, int]]]):
    """Draws one task per optimizer step, and that task's next rows in an order shuffled anew on each pass over it.

    Args:
        num_rows: Rows of each task.
        batch_sizes: Rows per batch of each task.
        seed: Seed of tasks and orders.
        lengths: Each row's number of tokens by task. Given, rows of like length go together: windows of a shuffled
            order are sorted by length, and the batches cut from them shuffled. If None, the shuffled order as it is.
        first_batch: Number of batches already taken since the start of training, read when an iterator is made.
        shares: Probability of each task, in the order of `num_rows` (tasks,). If None, all alike.
        num_batches: Batches of an epoch. If None, as many as one pass over every task takes.
        batches_per_step: Batches whose gradients an optimizer step adds up: they are of one task.
        row_shares: Probability of each row by task (rows,). Given, the rows of a pass are as many independent draws. If
            None, each row once.
    """

    def __init__(
        self,
        num_rows: Mapping[str, int],
        batch_sizes: Mapping[str, int],
        seed: int,
        lengths: Mapping[str, Sequence[int] | np.ndarray] | None = None,
        first_batch: Callable[[], int] = lambda: 0,
        shares: np.ndarray | None = None,
        num_batches: int | None = None,
        batches_per_step: int = 1,
        row_shares: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.num_rows = dict(num_rows)
        self.batch_sizes = dict(batch_sizes)
        self.seed = seed
        self.lengths = lengths
        self.first_batch = first_batch
        self.batches_per_pass = batches_per_pass(num_rows, batch_sizes)
        self.shares = np.full(len(self.num_rows), 1 / len(self.num_rows)) if shares is None else shares
        self.num_batches = num_batches or sum(self.batches_per_pass.values())
        self.batches_per_step = batches_per_step
        self.row_shares = row_shares

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[list[tuple[str, int]]]:
        # Not itself a generator: the start is read now, not when the first batch is asked for.
        return self._batches(self.first_batch())

    def _batches(self, first: int) -> Iterator[list[tuple[str, int]]]:
        names = list(self.num_rows)
        tasks = self._tasks((first // len(self) + 1) * len(self))
        taken = np.bincount(tasks[:first], minlength=len(names))
        passes: dict[int, tuple[int, list[np.ndarray]]] = {}
        for task in tasks[first:].tolist():
            turn, number = divmod(int(taken[task]), self.batches_per_pass[names[task]])
            taken[task] += 1
            if task not in passes or passes[task][0] != turn:
                passes[task] = (turn, self._pass(task, turn))
            yield [(names[task], int(row)) for row in passes[task][1][number]]

    def _tasks(self, num_batches: int) -> np.ndarray:
        """Return the task of each of the first batches of training, as indices.

        A step's draw depends on seed and step alone: a longer stream of random numbers begins as a shorter one does.
        """
        steps = np.arange(num_batches) // self.batches_per_step
        drawn = np.random.default_rng([self.seed, 1]).random(-(-num_batches // self.batches_per_step))
        bounds = np.cumsum(self.shares)[:-1]  # without the last, which rounding may leave below 1
        return np.searchsorted(bounds, drawn, side="right")[steps]

    def _pass(self, task: int, turn: int) -> list[np.ndarray]:
        """Return the batches of one pass over a task's rows; only the last may be short."""
        name = list(self.num_rows)[task]
        size = self.batch_sizes[name]
        rng = np.random.default_rng([self.seed, task, turn, 2])
        num_rows = self.num_rows[name]
        if self.row_shares is None:
            order = rng.permutation(num_rows)
        else:
            order = rng.choice(num_rows, num_rows, p=self.row_shares[name])
        if self.lengths is not None:
            lengths = np.asarray(self.lengths[name])
            windows = [order[start : start + size * WINDOW] for start in range(0, len(order), size * WINDOW)]
            order = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows])
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        num_full = len(order) // size
        if self.lengths is not None:
            batches[:num_full] = [batches[number] for number in rng.permutation(num_full)]
        return batches


def batches_per_pass(num_rows: Mapping[str, int], batch_sizes: Mapping[str, int]) -> dict[str, int]:
    """Count the batches of one pass over each task's rows; the last of a pass may be short."""
    return {task: -(-rows // batch_sizes[task]) for task, rows in num_rows.items()}


def epoch_length(per_pass: Mapping[str, int], given: str | int | None) -> int:
    """Return the batches of an epoch (Xia & Shin 2021 do not define it for several tasks).

    Args:
        per_pass: Batches of one pass over each task.
        given: A number, or the `sum`, the `max` or the `mean` (rounded up) of the passes. If None, the sum.
    """
    if isinstance(given, int):
        return given
    total = sum(per_pass.values())
    return {"sum": total, "max": max(per_pass.values()), "mean": -(-total // len(per_pass))}[given or "sum"]
