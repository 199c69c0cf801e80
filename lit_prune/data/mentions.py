"""`MentionTask`: what two mentions in a text have to do with each other (WSC; in SuperGLUE: Wang et al. 2019)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import Dataset, List, Value
from torch import nn
from transformers import PreTrainedTokenizerBase

from lit_prune.data.table import tokenise_table
from lit_prune.data.task import Task
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, SpanPair

if TYPE_CHECKING:
    from lit_prune.data.preparation import Preparation


class MentionTask(Task):
    """Classification of two mentions in a text, by the tokens that they are; of a row `text_a` is read alone.

    The rows come from a source of such, as `WscFiles`. All settings are those of `Task`.
    """

    columns = {"mentions": List(List(Value("int64")))}

    def make_head(self, encoder: Encoder) -> nn.Module:
        """A fresh head over the tokens of both mentions."""
        return SpanPair(encoder.hidden_size, len(self.labels), encoder.hidden_dropout)

    def read(self, split: str, how: "Preparation", labelled: bool = True) -> Dataset:
        """The rows of a split with their tokens, and in `spans` which of these the mentions are; cached by content.

        Raises:
            UserError: The rows cannot be had or have no mentions, or the tokens kept are fewer than the mentions'.
        """
        rows = self.read_rows(split, how, labelled)
        return tokenise_table(rows, tokenise_mentions, how.tokenizer, max_length=self.max_length or how.max_length)


def tokenise_mentions(
    rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> dict[str, Any]:
    """The tokens of rows' texts; of a text that is too long, those nearest to its mentions, in their order.

    Args:
        rows: Columns of `MentionRow`.
        tokenizer: The encoder's, a fast one.
        max_length: Tokens kept of a row, with special tokens.

    Returns:
        What the tokenizer returns, and in `spans` the tokens of each row's mentions: [[first, last], [first, last]].

    Raises:
        UserError: A row has no mentions, a mention has no token, or those of both are too many.
    """
    encoded = tokenizer(rows["text_a"], return_offsets_mapping=True, verbose=False)
    names = [name for name in tokenizer.model_input_names if name in encoded]
    tokens: dict[str, list[Any]] = {name: [] for name in (*names, "spans")}
    for number, (row, mentions) in enumerate(zip(rows["id"], rows["mentions"], strict=True)):
        if mentions is None:
            raise UserError(f"row {row!r} has no mentions: read a task of mentions from a source of such, as WscFiles")
        special = np.array([sequence is None for sequence in encoded.sequence_ids(number)])
        places = np.where(special[:, None], -1, encoded["offset_mapping"][number])
        spans = np.array([_span(places, start, end, row) for start, end in mentions])
        kept = _nearest(spans, special, max_length, row)
        for name in names:
            tokens[name].append(np.array(encoded[name][number])[kept])
        tokens["spans"].append(np.searchsorted(kept, spans))
    return tokens


def _span(places: np.ndarray, start: int, end: int, row: str) -> tuple[int, int]:
    """The first and the last token of a mention; places are the tokens' characters (tokens, 2)."""
    inside = np.flatnonzero((places[:, 0] < end) & (places[:, 1] > start))
    if not len(inside):
        raise UserError(f"row {row!r}: the tokenizer makes no token of a mention (characters {start} to {end})")
    return int(inside[0]), int(inside[-1])


def _nearest(spans: np.ndarray, special: np.ndarray, max_length: int, row: str) -> np.ndarray:
    """Which tokens are kept, in their order: special ones, and those nearest to a mention."""
    tokens = np.arange(len(special))[:, None]
    distance = np.maximum(np.maximum(spans[:, 0] - tokens, tokens - spans[:, 1]), 0).min(1)
    distance[special] = 0
    needed = np.count_nonzero(distance == 0)
    if needed > max_length:
        raise UserError(
            f"row {row!r}: its mentions and the special tokens are {needed} tokens, more than max_length={max_length}; "
            f"set it to {needed} or more"
        )
    return np.sort(np.argsort(distance, kind="stable")[:max_length])
