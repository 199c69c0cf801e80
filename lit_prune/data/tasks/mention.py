"""`MentionTask`: how two mentions in a text relate to each other (WSC; in SuperGLUE: Wang et al. 2019)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from torch import nn
from transformers import PreTrainedTokenizerBase

from lit_prune.data.sources.source import Layout
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, SpanPair


class MentionTask(Task):
    """Classification of two mentions in a text, from the tokens of the mentions; only `text_a` of a row is read.

    The rows come from a source with mentions, such as `WscFiles`. All settings are those of `Task`.
    """

    features = {**Task.features, "mentions": [["int64"]]}
    reads_pooler = False
    head_inputs = ("spans",)
    architecture = None
    example_inputs = (
        'inputs["spans"] = inputs["input_ids"].new_tensor([[[1, 1], [2, 2]]])  # a mention\'s first and last token\n'
    )

    def tokeniser(self, max_length: int) -> Callable[..., dict[str, Any]]:
        """Return the function that tokenises texts and finds the tokens of their mentions, in `spans`."""
        return partial(tokenise_mentions, max_length=self.max_length or max_length)

    def layout(self, labelled: bool) -> Layout:
        """Return WSC's layout, with or without labels."""
        from lit_prune.data.sources.wsc import read_wsc  # not above: a served model reads no files

        return Layout("WSC's", partial(read_wsc, labelled=labelled))

    def make_head(self, encoder: Encoder) -> nn.Module:
        """Build a head over the tokens of both mentions."""
        return SpanPair(encoder.hidden_size, len(self.labels), encoder.hidden_dropout)

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        return f"classes {', '.join(self.labels)} of two mentions in a text"

    @property
    def example_texts(self) -> str:
        """The arguments of the tokenizer in a model card's example."""
        return '"A text."'


def tokenise_mentions(
    rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> dict[str, Any]:
    """Tokenise texts with mentions; of a text that is too long, the tokens nearest to its mentions stay, in order.

    Args:
        rows: Columns of `MentionRow`.
        tokenizer: The encoder's, a fast one.
        max_length: Maximum number of tokens of a row, with special tokens.

    Returns:
        The tokenizer's columns, and in `spans` the tokens of each row's mentions: [[first, last], [first, last]].

    Raises:
        UserError: a row has no mentions, a mention has no token, or both together have too many.
    """
    encoded = tokenizer(rows["text_a"], return_offsets_mapping=True, verbose=False)
    names = [name for name in tokenizer.model_input_names if name in encoded]
    tokens: dict[str, list[Any]] = {name: [] for name in (*names, "spans")}
    for number, (row, mentions) in enumerate(zip(rows["id"], rows["mentions"], strict=True)):
        if mentions is None:
            raise UserError(
                f"mentions of row {row!r} must be two, got none: read the task from a source such as WscFiles"
            )
        special = np.array([sequence is None for sequence in encoded.sequence_ids(number)])
        places = np.where(special[:, None], -1, encoded["offset_mapping"][number])
        spans = np.array([_span(places, start, end, row) for start, end in mentions])
        kept = _nearest(spans, special, max_length, row)
        for name in names:
            tokens[name].append(np.array(encoded[name][number])[kept])
        tokens["spans"].append(np.searchsorted(kept, spans))
    return tokens


def _span(places: np.ndarray, start: int, end: int, row: str) -> tuple[int, int]:
    """Return the first and the last token of a mention; places are the tokens' characters (tokens, 2)."""
    inside = np.flatnonzero((places[:, 0] < end) & (places[:, 1] > start))
    if not len(inside):
        raise UserError(
            f"a mention of row {row!r} must have a token, got none for characters {start} to {end}: correct the row"
        )
    return int(inside[0]), int(inside[-1])


def _nearest(spans: np.ndarray, special: np.ndarray, max_length: int, row: str) -> np.ndarray:
    """Return the tokens that stay, in order: special ones, and those nearest to a mention."""
    tokens = np.arange(len(special))[:, None]
    distance = np.maximum(np.maximum(spans[:, 0] - tokens, tokens - spans[:, 1]), 0).min(1)
    distance[special] = 0
    needed = np.count_nonzero(distance == 0)
    if needed > max_length:
        raise UserError(
            f"max_length must be at least {needed}, got {max_length}: the mentions of row {row!r} and the special "
            "tokens need as many"
        )
    return np.sort(np.argsort(distance, kind="stable")[:max_length])
