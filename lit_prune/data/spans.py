"""`SpanTask`: questions that spans of a text answer, in windows of tokens; several where a text is long."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from datasets import Dataset, List, Value

from lit_prune.data.batch import padded_length
from lit_prune.data.ood import OodTraining
from lit_prune.data.sources.source import Source
from lit_prune.data.table import count_tokens, read_table, tokenise_table
from lit_prune.data.task import EvaluationSet, Preparation, Task
from lit_prune.data.windows import Windows, tokenise_windows
from lit_prune.errors import UserError

FEATURES = {name: Value("string") for name in ("id", "text_a", "text_b", "group")} | {
    "answers": List(Value("string")),
    "starts": List(Value("int64")),
}


class SpanTask(Task):
    """Questions, each answered by a span of its text, as in SQuAD.

    Metrics are `exact_match` and `f1`, and `f1` selects checkpoints. OOD rows in training, a bias model and the losses
    that need one are of tasks of classes.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: Where the rows come from, with answers: `SquadFiles`, `SquadHub`, `GeneratedReading`.
        windows: How texts are laid out in windows of tokens (a row of a batch is one), None: as in BERT's code for
            SQuAD, 384 tokens long.
        batch_size: Windows per training batch, None: the data module's.
    """

    def __init__(
        self, name: str, source: Source, windows: Windows | None = None, batch_size: int | None = None
    ) -> None:
        self.name = name
        self.labels = ()
        self.source = source
        self.windows = windows or Windows()
        self.positive = None
        self.merge = {}
        self.bias = None
        self.max_length = self.windows.max_length
        self.batch_size = batch_size
        self.ood_train = OodTraining()
        self.selection = "f1"
        self.num_train = None

    def read(self, split: str, how: Preparation, labelled: bool = True) -> Dataset:
        """The questions of a split in windows, those of a question one after another; cached by content.

        Raises:
            UserError: The windows are too short, the rows cannot be had, or they are none with answers.
        """
        assert labelled
        self.windows.check(how.tokenizer)
        rows = read_table(_rows, FEATURES, self.source, split, how.root)
        return tokenise_table(rows, tokenise_windows, how.tokenizer, one_to_one=False, how=self.windows)

    def units(self, rows: Dataset) -> np.ndarray:
        """For each window, the number of its question (windows,)."""
        return number_ids(rows["id"][:])

    def evaluation_set(self, split: str, rows: Dataset) -> EvaluationSet:
        """Windows of a split as a set to evaluate on."""
        return SpanSet(task=self.name, split=split, rows=rows, labels=(), class_map=(), positive=None)


class SpanSet(EvaluationSet):
    """A set of questions: its rows are windows, of whose logits the answers are read."""

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (windows, length, 2), the length that of the longest window in a batch."""
        return len(self.rows), padded_length(int(count_tokens(self.rows).max())), 2


def number_ids(ids: Sequence[str]) -> np.ndarray:
    """Ids as numbers from 0 on, in the order that they first occur in (rows,)."""
    number_of: dict[str, int] = {}
    return np.array([number_of.setdefault(each, len(number_of)) for each in ids], dtype=np.int64)


def _rows(source: Source, split: str, root: str | None, key: str) -> Iterator[dict[str, Any]]:
    row = None
    for row in source.rows(split, root):
        if "answers" not in row:
            raise UserError(
                f"{type(source).__name__} gives rows with a label, not questions with answers: read a task of spans "
                "from SquadFiles, SquadHub or GeneratedReading"
            )
        yield {name: row[name] for name in FEATURES}  # type: ignore[literal-required]
    if row is None:
        raise UserError(f"the split {split!r} of {type(source).__name__} has no rows")
