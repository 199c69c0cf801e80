"""The training batches of every step, a pure function of (seed, step): resuming needs no sampler state."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from torch.utils.data import Sampler


class TaskBatchSampler(Sampler[list[tuple[str, int]]]):
    """Draws one task per batch, and that task's next rows in an order shuffled anew on each pass over it.

    An epoch has as many batches as one pass over every task takes. Tasks are drawn uniformly.

    Args:
        num_rows: Rows of each task.
        batch_sizes: Rows per batch of each task.
        seed: Seed of tasks and orders.
        first_batch: Number of batches already taken since the start of training, read when an iterator is made.
    """

    def __init__(
        self,
        num_rows: Mapping[str, int],
        batch_sizes: Mapping[str, int],
        seed: int,
        first_batch: Callable[[], int] = lambda: 0,
    ) -> None:
        self.num_rows = dict(num_rows)
        self.batch_sizes = dict(batch_sizes)
        self.seed = seed
        self.first_batch = first_batch
        # Rounded up: the last batch of a pass may be short.
        self.batches_per_pass = {task: -(-rows // self.batch_sizes[task]) for task, rows in self.num_rows.items()}

    def __len__(self) -> int:
        return sum(self.batches_per_pass.values())

    def __iter__(self) -> Iterator[list[tuple[str, int]]]:
        # Not itself a generator: the start is read now, not when the first batch is asked for.
        return self._batches(*divmod(self.first_batch(), len(self)))

    def _batches(self, epoch: int, start: int) -> Iterator[list[tuple[str, int]]]:
        names = list(self.num_rows)
        taken = np.zeros(len(names), dtype=int)
        for past in range(epoch):
            taken += np.bincount(self._draw(past), minlength=len(names))
        orders: dict[int, tuple[int, np.ndarray]] = {}
        for position, task in enumerate(self._draw(epoch)):
            name = names[task]
            turn, number = divmod(int(taken[task]), self.batches_per_pass[name])
            taken[task] += 1
            if position < start:
                continue
            if task not in orders or orders[task][0] != turn:
                rng = np.random.default_rng([self.seed, int(task), turn])
                orders[task] = (turn, rng.permutation(self.num_rows[name]))
            size = self.batch_sizes[name]
            yield [(name, int(row)) for row in orders[task][1][number * size : (number + 1) * size]]

    def _draw(self, epoch: int) -> np.ndarray:
        """The task of each batch of an epoch, as indices."""
        return np.random.default_rng([self.seed, epoch]).integers(len(self.num_rows), size=len(self))
