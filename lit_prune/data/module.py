"""`MultitaskDataModule`: the tasks' training batches, one task per step, and their evaluation sets as loaders."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import torch
from datasets import Dataset
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerBase

from lit_prune.data.batch import Batch, Collate
from lit_prune.data.bias_report import bias_report
from lit_prune.data.checks import check_lengths, check_numbers, chosen_tasks, selecting_tasks
from lit_prune.data.groups import GroupedBy, group_sizes, with_groups
from lit_prune.data.loading import TaskRows, end_on_sigterm, evaluation_loader
from lit_prune.data.mixing import Mixing, Uniform, shares
from lit_prune.data.perturbation import Perturbation
from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.data.sampler import TaskBatchSampler, batches_per_pass, epoch_length
from lit_prune.data.sampling import Sampling, row_shares
from lit_prune.data.selection_metric import check_selection
from lit_prune.data.sources.frames import Table
from lit_prune.data.switching import FindSource, SwitchingLoader
from lit_prune.data.table import count_tokens
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.framed import framed_task
from lit_prune.data.tasks.task import Task
from lit_prune.data.unlabelled import check_labelled
from lit_prune.errors import UserError
from lit_prune.limits import check_seed

if TYPE_CHECKING:
    from lit_prune.encoders.encoder import PrunableEncoder


class MultitaskDataModule(LightningDataModule):
    """Data of one task or several.

    Args:
        tasks: The tasks; a single one is a list of one.
        tokenizer: The encoder's (linked on the command line).
        word_embeddings: The encoder's word embedding table (vocabulary, width) (linked); bias models use it.
        root: Folder of the files of tasks with the source `Files`.
        batch_size: Examples per training step over all processes, so that one device and eight take the same steps.
        eval_batch_size: Examples per evaluation batch over all processes.
        max_length: Maximum number of tokens of an example.
        group_by_length: Batch training examples of similar length, which is faster because of less padding. Batches are
            then no longer uniform draws.
        validation_fraction: Share of each training set that is held out, by the seed, to select checkpoints; 0 selects
            on the `id` set, as the papers do. A task without an `id` set first has one of this share cut from its
            training set, of the same examples for all seeds.
        seed: Seed of the validation cut, the order of examples and the tasks drawn.
        num_workers: Worker processes per loader.
        mixing: Rates at which tasks are drawn. None for equal rates (`Uniform`).
        epoch_length: Batches per epoch, the unit of a `length` such as 3 epochs: a number, or `sum`, `max` or `mean`
            over the tasks' batches of one pass. None for the sum. A task that runs out of examples starts again in
            another order.
        only: Names of the tasks to use. None for all.
        target: Name of the task whose metric alone selects checkpoints, the others are auxiliary. None for their mean.
        perturbation: The examples left out of each training set. None for none.
        num_train: Training examples of each task, drawn at random by the seed. None for all. A task's own number takes
            precedence.
        rows_seed: Seed of the validation cut and of the drawn examples instead of `seed`, so that all seeds have the
            same examples (Fu et al. 2023, Table 1). None for `seed`.
        groups: What forms groups of training examples beside the label: `bias` (is the label the bias model's
            prediction?), `overlap` (does the first text contain all words of the second?) or `group` (the source's
            column). None for no groups.
        sampling: Weights by which a task's training examples are drawn, with replacement. None for each once a pass.
    """

    def __init__(
        self,
        tasks: list[Task],
        tokenizer: PreTrainedTokenizerBase,
        word_embeddings: Tensor,
        root: str | None = None,
        batch_size: int = 32,
        eval_batch_size: int = 64,
        max_length: int = 128,
        group_by_length: bool = False,
        validation_fraction: float = 0.05,
        seed: int = 0,
        num_workers: int = 0,
        mixing: Mixing | None = None,
        epoch_length: Literal["sum", "max", "mean"] | int | None = None,
        only: list[str] | None = None,
        target: str | None = None,
        perturbation: Perturbation | None = None,
        num_train: int | None = None,
        rows_seed: int | None = None,
        groups: GroupedBy | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        super().__init__()
        self.tasks = chosen_tasks(tasks, only)
        self.selecting = selecting_tasks(self.tasks, target)
        sizes = {"batch_size": batch_size, "eval_batch_size": eval_batch_size, "epoch_length": epoch_length}
        sizes |= {f"tasks: batch_size of {name!r}": task.batch_size for name, task in self.tasks.items()}
        check_numbers(sizes, validation_fraction, num_workers)
        check_lengths(max_length, list(self.tasks.values()), tokenizer)
        if rows_seed is not None:
            check_seed("data.rows_seed", rows_seed)
        self.groups = groups
        self.sampling = sampling
        self.mixing = mixing or Uniform()
        shares(self.mixing, dict.fromkeys(self.tasks, 1))  # weights that fit no task are refused before rows are read
        self.epoch_length = epoch_length
        self.word_embeddings = word_embeddings
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.seed = seed
        self.num_workers = num_workers
        self.group_by_length = group_by_length
        self.preparation = Preparation(
            tokenizer,
            root,
            max_length,
            validation_fraction,
            seed if rows_seed is None else rows_seed,
            perturbation,
            num_train,
        )
        self.collate = Collate(tokenizer, self.tasks)
        self.find_source: FindSource | None = None  # set by a run whose phases have batches of their own
        self.train: dict[str, Dataset] = {}
        self.evaluation_sets: list[EvaluationSet] = []
        self._lengths: dict[str, np.ndarray] = {}
        self._row_shares: dict[str, np.ndarray] | None = None

    @classmethod
    def from_frames(
        cls,
        encoder: "PrunableEncoder",
        train: Table,
        test: Table | None = None,
        ood: Mapping[str, Table] | None = None,
        *,
        labels: Sequence[str] | None = None,
        columns: Mapping[str, str] | None = None,
        drop_incomplete: bool = False,
        name: str = "task",
        kind: type[Task] | None = None,
        options: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Self:
        """Build the data of one task from pandas DataFrames or `datasets.Dataset`s.

            data = MultitaskDataModule.from_frames(encoder, train=frame, test=other, labels=["negative", "positive"])

        Args:
            encoder: The encoder, for its tokenizer and word embeddings.
            train: The training table, with the columns text_a, label, and optionally text_b (pairs), id and group; or
                with lists in the columns words and tags, and optionally id and group.
            test: The table of the `id` set. If None, a share of the training table.
            ood: Name of a set -> its table, the split `ood_<name>`, or None.
            labels: Class names; see `sources.Frames`. If None, those found.
            columns: Our field -> the tables' column, if the names differ.
            drop_incomplete: Leave out rows that lack a text or a label.
            name: The name of the task.
            kind: The kind of task, such as `EmbeddingTask`. If None, words with tags make a `TokenTask`, lists of
                labels a `MultiLabelTask`, floats a `RegressionTask`, others a `Task`.
            options: Further arguments of the task, such as {"max_score": 5}.
            settings: Further arguments of the data module, such as `batch_size`.

        Raises:
            UserError: a row or a setting is wrong.
        """
        tables = {"train": train, "id": test, **{f"ood_{each}": table for each, table in (ood or {}).items()}}
        given = {split: table for split, table in tables.items() if table is not None}
        task = framed_task(name, given, labels, columns, drop_incomplete, kind, options)
        return cls([task], encoder.tokenizer, encoder.word_embeddings, **settings)

    def prepare_data(self) -> None:
        """Read, tokenise and cache everything once, before the other processes read the cache."""
        self._prepare()

    def setup(self, stage: str) -> None:
        """Load every set from the cache."""
        if not self.train:
            self._prepare()
        self.check_batch_sizes(self._num_processes)

    def check_batch_sizes(self, num_processes: int) -> None:
        """Check that the processes can share every step, as soon as their number is known.

        Raises:
            UserError: a batch size is no multiple of their number.
        """
        for task in self.tasks.values():
            if (size := task.batch_size or self.batch_size) % num_processes:
                raise UserError(
                    f"batch_size of task {task.name!r} must be a multiple of {num_processes}, got {size}: "
                    "processes share the rows of a step evenly"
                )

    def _prepare(self) -> None:
        sets = []
        for name, task in self.tasks.items():
            self.train[name], evaluation = prepare_task(task, self.preparation, self.word_embeddings)
            check_selection(task, evaluation)
            sets += evaluation
        self.evaluation_sets = sets
        if self.groups is not None or self.sampling is not None:
            check_labelled(self.train)
        if self.groups is not None:
            self.train = with_groups(self.train, self.tasks, self.groups)
        if self.sampling is not None:
            self._row_shares = {name: row_shares(self.sampling, name, rows) for name, rows in self.train.items()}
        if self.group_by_length:
            self._lengths = {name: count_tokens(rows) for name, rows in self.train.items()}

    def some_rows(self, task: str) -> Batch:
        """Return a batch of a task's first training rows, made as in training."""
        return self.batch_of(task, range(min(7, len(self.train[task]))))

    def batch_of(self, task: str, numbers: Iterable[int]) -> Batch:
        """Return a batch of a task's training rows by their numbers, made as in training."""
        rows = TaskRows({task: self.train[task]}, self.collate)
        batch: Batch = self.collate(rows.__getitems__([(task, number) for number in numbers]))
        return batch

    @property
    def bias_report(self) -> dict[str, float]:
        """`<task>/<figure>` of every bias model on the rows it was fitted on."""
        reports = {name: bias_report(task, self.train[name]) for name, task in self.tasks.items()}
        return {f"{name}/{figure}": value for name, report in reports.items() for figure, value in report.items()}

    @property
    def group_sizes(self) -> Tensor:
        """Training rows of each group, (groups,) int64; empty without groups."""
        return torch.from_numpy(group_sizes(self.train))

    @property
    def batches_per_epoch(self) -> int:
        """Training batches in one epoch."""
        return len(self._sampler())

    def _sampler(self) -> TaskBatchSampler:
        num_rows = {name: len(rows) for name, rows in self.train.items()}
        batch_sizes = {name: task.batch_size or self.batch_size for name, task in self.tasks.items()}
        return TaskBatchSampler(
            num_rows,
            batch_sizes,
            seed=self.seed,
            lengths=self._lengths if self.group_by_length else None,
            first_batch=self._batches_taken,
            shares=shares(self.mixing, num_rows),
            num_batches=epoch_length(batches_per_pass(num_rows, batch_sizes), self.epoch_length),
            batches_per_step=self._batches_per_step,
            row_shares=self._row_shares,
        )

    def _batches_taken(self) -> int:
        return self.trainer.global_step * self._batches_per_step if self.trainer is not None else 0

    @property
    def _batches_per_step(self) -> int:
        return self.trainer.accumulate_grad_batches if self.trainer is not None else 1

    @property
    def _num_processes(self) -> int:
        return self.trainer.world_size if self.trainer is not None else 1

    @property
    def _share(self) -> tuple[int, int]:
        return self.trainer.global_rank if self.trainer is not None else 0, self._num_processes

    def train_dataloader(self) -> Iterable[Batch]:
        """Build the loader of training batches, each of one task, from the current step on."""
        if self.find_source is None:
            return self._training_loader()
        return SwitchingLoader(self._training_loader, self.find_source)

    def _training_loader(self) -> DataLoader[Batch]:
        return DataLoader(
            TaskRows(self.train, self.collate, *self._share),
            batch_sampler=self._sampler(),
            collate_fn=self.collate,
            num_workers=self.num_workers,
            worker_init_fn=end_on_sigterm,
            generator=torch.Generator().manual_seed(self.seed),
        )

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        """Build a loader per evaluation set, in the order of `evaluation_sets`."""
        return self.loaders(self.evaluation_sets)

    def loaders(self, sets: Sequence[EvaluationSet], collate: Collate | None = None) -> list[DataLoader[Batch]]:
        """Build a loader per set: this process' share of its rows, each once; rows of similar length together."""
        settings = self.eval_batch_size, collate or self.collate, self.num_workers, *self._share
        return [evaluation_loader(each, *settings) for each in sets]

    @property
    def training_sets(self) -> list[EvaluationSet]:
        """The training rows of every task, as sets to evaluate on."""
        return [self.tasks[name].evaluation_set("train", rows) for name, rows in self.train.items()]
