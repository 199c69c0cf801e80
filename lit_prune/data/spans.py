"""`SpanTask`: questions that spans of a text answer, in windows of tokens; several where a text is long."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from datasets import Dataset, List, Value
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from lit_prune import metrics
from lit_prune.data.answers import Answer, find_answers
from lit_prune.data.batch import padded_length
from lit_prune.data.evaluation_set import EvaluationSet
from lit_prune.data.sources.source import Source
from lit_prune.data.table import count_tokens, read_table, tokenise_table
from lit_prune.data.task import Task
from lit_prune.data.windows import Windows, tokenise_windows
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, Span

if TYPE_CHECKING:
    from lit_prune.data.preparation import Preparation

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
        self.source = source
        self.windows = windows or Windows()
        self.max_length = self.windows.max_length
        self.batch_size = batch_size
        self.selection = "f1"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints."""
        return "f1", "exact_match"

    def make_head(self, encoder: Encoder) -> nn.Module:
        """A fresh head over every token."""
        return Span(encoder.hidden_size)

    def read(self, split: str, how: "Preparation", labelled: bool = True) -> Dataset:
        """The questions of a split in windows, those of a question one after another; cached by content.

        Raises:
            UserError: The windows are too short, the rows cannot be had, or they are none with answers.
        """
        self.windows.check(how.tokenizer)
        rows = read_table(_rows, FEATURES, self.source, split, how.root, labelled=labelled)
        return tokenise_table(rows, tokenise_windows, how.tokenizer, one_to_one=False, how=self.windows)

    def units(self, rows: Dataset) -> np.ndarray:
        """For each window, the number of its question (windows,)."""
        return number_ids(rows["id"][:])

    def evaluation_set(self, split: str, rows: Dataset) -> EvaluationSet:
        """Windows of a split as a set to evaluate on."""
        return SpanSet(self.name, split, rows)


class SpanSet(EvaluationSet):
    """A set of questions: its rows are windows, of whose logits (windows, length, 2) the answers are read."""

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (windows, length, 2), the length that of the longest window in a batch."""
        return len(self.rows), padded_length(int(count_tokens(self.rows).max())), 2

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """exact_match, f1 (of groups too), and loss, means over questions."""
        rows = self.questions(logits)
        values = metrics.answering(rows["answer"][:], rows["answers"][:], rows["group"][:])
        return values | {"loss": float(np.mean(rows["loss"][:]))}

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """What a model says of each question: id, the answer found as its prediction, and the answer's score."""
        found = self._found(logits)
        return {
            "id": list(found),
            "prediction": [each.text for each in found.values()],
            "score": [each.score for each in found.values()],
        }

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """What is known of each question: id, label, prediction, logits, loss.

        The label is its first right answer, the prediction the answer found, and `logits` this one's score alone.
        """
        rows = self.questions(logits)
        return {
            "id": rows["id"][:],
            "label": [answers[0] for answers in rows["answers"][:]],
            "prediction": rows["answer"][:],
            "logits": [[score] for score in rows["score"][:]],
            "loss": rows["loss"][:],
        }

    def questions(self, logits: Tensor) -> Dataset:
        """A row per question: id, group, right `answers`, the `answer` found, its `score`, its windows' mean `loss`."""
        answers = self._found(logits)
        numbers = number_ids(self.rows["id"][:])
        _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
        rows = self.rows.select(first).select_columns(["id", "group", "answers"])
        found = [answers[question] for question in rows["id"][:]]
        losses = np.bincount(numbers, weights=self.window_losses(logits).numpy()) / counts
        rows = rows.add_column("answer", [each.text for each in found])
        return rows.add_column("score", [each.score for each in found]).add_column("loss", losses)

    def _found(self, logits: Tensor) -> dict[str, Answer]:
        """The answer to each question by its id, in the questions' order."""
        starts, ends = (self._places(name, logits.shape[1]) for name in ("char_starts", "char_ends"))
        return find_answers(logits, starts, ends, self.rows["id"][:], self.rows["text_b"][:])

    def window_losses(self, logits: Tensor) -> Tensor:
        """The cross-entropy of each window's label over its own tokens (windows,), mean of first and last."""
        beyond = torch.arange(logits.shape[1]) >= torch.tensor(count_tokens(self.rows))[:, None]
        own = logits.masked_fill(beyond[..., None], -torch.inf)
        return F.cross_entropy(own, self.row_labels, reduction="none").mean(1)

    def _places(self, name: str, length: int) -> Tensor:
        """Characters (windows, length), -1 beyond a window's end."""
        places = [torch.tensor(each) for each in self.rows.with_format("numpy")[name][:]]
        padded = pad_sequence(places, batch_first=True, padding_value=-1)
        return F.pad(padded, (0, length - padded.shape[1]), value=-1)


def number_ids(ids: Sequence[str]) -> np.ndarray:
    """Ids as numbers from 0 on, in the order that they first occur in (rows,)."""
    number_of: dict[str, int] = {}
    return np.array([number_of.setdefault(each, len(number_of)) for each in ids], dtype=np.int64)


def _rows(source: Source, split: str, root: str | None, labelled: bool, key: str) -> Iterator[dict[str, Any]]:
    row = None
    for row in source.rows(split, root):
        if not labelled:
            yield {"answers": [], "starts": [], **row}
            continue
        if "answers" not in row:
            raise UserError(
                f"{type(source).__name__} gives rows with a label, not questions with answers: read a task of spans "
                "from SquadFiles, SquadHub or GeneratedReading"
            )
        yield {name: row[name] for name in FEATURES}  # type: ignore[literal-required]
    if row is None:
        raise UserError(f"the split {split!r} of {type(source).__name__} has no rows")
