"""`SpanTask`: questions that spans of a text answer, in windows of tokens; several where a text is long."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from lit_prune.data.batch import padded_length
from lit_prune.data.sources.source import Layout, Row, Source
from lit_prune.data.tasks.answers import Answer, answering, find_answers
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.task import Task
from lit_prune.data.tasks.windows import Windows, tokenise_windows
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, Span

if TYPE_CHECKING:
    from datasets import Dataset


class SpanSet(EvaluationSet):
    """A set of questions: its rows are windows, whose logits are (windows, length, 2)."""

    whole_metrics: ClassVar[tuple[str, ...]] = ("exact_match", "f1")

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (windows, length, 2), the length of the longest window in a batch."""
        return len(self.rows), padded_length(int(self._num_tokens().max())), 2

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that are the same for all models: none."""
        return ()

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute exact_match, f1 (for groups too) and loss, means over questions."""
        rows = self.questions(logits)
        values = answering(rows["answer"][:], rows["answers"][:], rows["group"][:])
        return values | {"loss": float(np.mean(rows["loss"][:]))}

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return the columns of `predict`, a row for each question: id, the answer as prediction, and its score."""
        found = self._found(logits)
        return {
            "id": list(found),
            "prediction": [each.text for each in found.values()],
            "score": [each.score for each in found.values()],
        }

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """Return id, label, prediction, logits and loss of each question.

        The label is its first right answer, the prediction the answer found, and `logits` its score only.
        """
        rows = self.questions(logits)
        return {
            "id": rows["id"][:],
            "label": [answers[0] for answers in rows["answers"][:]],
            "prediction": rows["answer"][:],
            "logits": [[score] for score in rows["score"][:]],
            "loss": rows["loss"][:],
        }

    def questions(self, logits: Tensor) -> "Dataset":
        """Return a row per question: id, group, `answers`, the `answer` found, its `score` and its windows' `loss`."""
        answers = self._found(logits)
        numbers = number_ids(self.rows["id"][:])
        _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
        rows = self.rows.select(first).select_columns(["id", "group", "answers"])
        found = [answers[question] for question in rows["id"][:]]
        losses = np.bincount(numbers, weights=self.window_losses(logits).numpy()) / counts
        rows = rows.add_column("answer", [each.text for each in found])
        return rows.add_column("score", [each.score for each in found]).add_column("loss", losses)

    def window_losses(self, logits: Tensor) -> Tensor:
        """Compute the cross-entropy of each window's label over its own tokens (windows,), mean of first and last."""
        return F.cross_entropy(self._own(logits), self.row_labels, reduction="none").mean(1)

    def teacher_predictions(self, logits: Tensor) -> Tensor:
        """Return log-probabilities over the tokens of each window (windows, length, 2), -inf beyond its end."""
        return self._own(logits).log_softmax(1)

    def _own(self, logits: Tensor) -> Tensor:
        """Return the logits with -inf beyond each window's end."""
        beyond = torch.arange(logits.shape[1]) >= torch.tensor(self._num_tokens())[:, None]
        return logits.masked_fill(beyond[..., None], -torch.inf)

    def _found(self, logits: Tensor) -> dict[str, Answer]:
        """Return the answer to each question by its id, in the questions' order."""
        starts, ends = (self._places(name, logits.shape[1]) for name in ("char_starts", "char_ends"))
        return find_answers(logits, starts, ends, self.rows["id"][:], self.rows["text_b"][:])

    def _places(self, name: str, length: int) -> Tensor:
        """Return characters (windows, length), -1 beyond a window's end."""
        places = [torch.tensor(each) for each in self.rows.with_format("numpy")[name][:]]
        padded = pad_sequence(places, batch_first=True, padding_value=-1)
        return F.pad(padded, (0, length - padded.shape[1]), value=-1)

    def _num_tokens(self) -> np.ndarray:
        from lit_prune.data.table import count_tokens  # not above: a served model has no rows

        return count_tokens(self.rows)


class SpanTask(Task):
    """Questions, each answered by a span of its text, as in SQuAD.

    Metrics are `exact_match` and `f1`, and `f1` selects checkpoints. OOD rows in training, bias models and the losses
    that need one are for tasks of classes only.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: The rows, with answers: `SquadFiles`, `SquadHub`, `GeneratedReading`.
        windows: The layout of texts in windows of tokens (a row of a batch is one). If None, as in BERT's code for
            SQuAD, 384 tokens long.
        batch_size: Windows per training batch. If None, the data module's.
    """

    features = {
        **dict.fromkeys(("id", "text_a", "text_b", "group"), "string"),
        "answers": ["string"],
        "starts": ["int64"],
    }
    settings = ("windows",)
    reads_pooler = False
    makes_windows = True
    set_class = SpanSet
    card_metrics = ("f1", "exact_match")
    pipeline = "question-answering"
    architecture = "QuestionAnswering"

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

    def converter(self, split: str, labelled: bool) -> Callable[[Row], dict[str, Any]]:
        """Return the function that keeps a question with its answers."""
        return partial(with_answers, labelled=labelled)

    def check_tokenizer(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raise a UserError if the windows are too short, or too long for the encoder."""
        self.windows.check(tokenizer)

    def tokeniser(self, max_length: int) -> Callable[..., dict[str, Any]]:
        """Return the function that tokenises questions and texts in windows, those of a question in a row."""
        return partial(tokenise_windows, windows=self.windows)

    def units(self, rows: "Dataset") -> np.ndarray:
        """Number the question of each window from 0, (windows,)."""
        return number_ids(rows["id"][:])

    def layout(self, labelled: bool) -> Layout | None:
        """Return SQuAD's layout for files with answers; questions to predict are in tables."""
        from lit_prune.data.sources.squad import read_squad  # not above: a served model reads no files

        return Layout("SQuAD's", read_squad) if labelled else None

    def make_head(self, encoder: Encoder) -> nn.Module:
        """Build a head over every token."""
        return Span(encoder.hidden_size, encoder.token_transform)

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        return "spans of the second text that answer the first; logits of a token being the first and the last of one"

    @property
    def num_outputs(self) -> int:
        """Two logits for a token."""
        return 2

    @property
    def transformers_settings(self) -> dict[str, Any]:
        """Settings of the task in the configuration of its model in transformers: none."""
        return {}


def number_ids(ids: Sequence[str]) -> np.ndarray:
    """Number ids from 0 in the order of their first occurrence, (rows,)."""
    number_of: dict[str, int] = {}
    return np.array([number_of.setdefault(each, len(number_of)) for each in ids], dtype=np.int64)


def with_answers(row: Row, labelled: bool) -> dict[str, Any]:
    """Return the columns of a question, without answers if it is unlabelled.

    Raises:
        UserError: the row has a label instead of answers.
    """
    if not labelled:
        return {"answers": [], "starts": [], **row}
    if "answers" not in row:
        raise UserError(
            f"answers of row {row['id']!r} must be spans of its text, got a label: read the task from SquadFiles, "
            "SquadHub or GeneratedReading"
        )
    return {name: row[name] for name in SpanTask.features}  # type: ignore[literal-required]
