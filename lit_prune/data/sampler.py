"""The training batches of every step, a pure function of (seed, step): resuming needs no sampler state."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from torch.utils.data import Sampler

WINDOW = 16  # batches whose rows are sorted by length together


class TaskBatchSampler(Sampler[list[tuple[str, int]]]):
    """Draws one task per batch, and that task's next rows in an order shuffled anew on each pass over it.

    An epoch has as many batches as one pass over every task takes. Tasks are drawn uniformly.

    Args:
        num_rows: Rows of each task.
        batch_sizes: Rows per batch of each task.
        seed: Seed of tasks and orders.
        lengths: Each row's number of tokens by task. Given, rows of like length go together: windows of a shuffled
            order are sorted by length, and the batches cut from them shuffled. None: the shuffled order as it is.
        first_batch: Number of batches already taken since the start of training, read when an iterator is made.
    """

    def __init__(
        self,
        num_rows: Mapping[str, int],
        batch_sizes: Mapping[str, int],
        seed: int,
        lengths: Mapping[str, Sequence[int] | np.ndarray] | None = None,
        first_batch: Callable[[], int] = lambda: 0,
    ) -> None:
        self.num_rows = dict(num_rows)
        self.batch_sizes = dict(batch_sizes)
        self.seed = seed
        self.lengths = lengths
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
        passes: dict[int, tuple[int, list[np.ndarray]]] = {}
        for position, task in enumerate(self._draw(epoch)):
            turn, number = divmod(int(taken[task]), self.batches_per_pass[names[task]])
            taken[task] += 1
            if position < start:
                continue
            if task not in passes or passes[task][0] != turn:
                passes[task] = (turn, self._pass(int(task), turn))
            yield [(names[task], int(row)) for row in passes[task][1][number]]

    def _draw(self, epoch: int) -> np.ndarray:
        """The task of each batch of an epoch, as indices."""
        return np.random.default_rng([self.seed, epoch, 1]).integers(len(self.num_rows), size=len(self))

    def _pass(self, task: int, turn: int) -> list[np.ndarray]:
        """The batches of one pass over a task's rows; only the last may be short."""
        name = list(self.num_rows)[task]
        size = self.batch_sizes[name]
        rng = np.random.default_rng([self.seed, task, turn, 2])
        order = rng.permutation(self.num_rows[name])
        if self.lengths is not None:
            lengths = np.asarray(self.lengths[name])
            windows = [order[start : start + size * WINDOW] for start in range(0, len(order), size * WINDOW)]
            order = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows])
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        num_full = len(order) // size
        if self.lengths is not None:
            batches[:num_full] = [batches[number] for number in rng.permutation(num_full)]
        return batches
