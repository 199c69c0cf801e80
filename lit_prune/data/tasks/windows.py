"""Questions and their texts as token windows that overlap, labelled with the answer's place (Devlin et al. 2019)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from lit_prune.errors import UserError

KEPT = ("id", "text_a", "text_b", "group", "answers")
NO_ANSWER = 0  # the first token, the label of a window without the answer


@dataclass(frozen=True)
class Windows:
    """The layout of a question's text in windows; each begins with the question.

    Args:
        max_length: Tokens of a window, with the question and special tokens.
        stride: Tokens of the text that a window shares with the one before: the tokenizer's own `stride`. (In BERT's
            first code `stride` is the step from one to the next; with texts of one window there is no difference.)
        max_question_length: Maximum number of tokens of a question.
    """

    max_length: int = 384
    stride: int = 128
    max_question_length: int = 64

    def check(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Raise a UserError if the windows do not advance through a text, or are too long for the encoder."""
        if self.max_length > tokenizer.model_max_length:
            raise UserError(
                f"windows.max_length must be at most {tokenizer.model_max_length}, got {self.max_length}: the encoder "
                "has no more positions"
            )
        room = self.max_length - self.max_question_length - tokenizer.num_special_tokens_to_add(pair=True)
        if self.max_question_length < 1:
            raise UserError(
                f"windows.max_question_length must be at least 1, got {self.max_question_length}: set more tokens"
            )
        if not 0 <= self.stride < room:
            raise UserError(
                f"windows.stride must be from 0 to {room - 1}, got {self.stride}: max_length={self.max_length} leaves "
                f"{room} tokens for the text beside a question of max_question_length={self.max_question_length}"
            )


def tokenise_windows(
    rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, windows: Windows
) -> dict[str, Any]:
    """Tokenise questions in windows, one question's after another's, each from the text's start to its end.

    Args:
        rows: Columns of `SpanRow`.
        tokenizer: The encoder's, a fast one.
        windows: The windows' lengths; checked.

    Returns:
        A value per window: the tokenizer's columns; `label`, the tokens [first, last] of the first answer, or
        `NO_ANSWER` twice if there is none or it is not wholly in the window; `char_starts` and `char_ends`, the
        characters of the text that each token begins at and ends before, -1 for tokens outside of it; and the columns
        `KEPT` of its question.
    """
    encoded = tokenizer(
        _kept(rows["text_a"], tokenizer, windows.max_question_length),
        rows["text_b"],
        truncation="only_second",
        max_length=windows.max_length,
        stride=windows.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    origins = encoded["overflow_to_sample_mapping"]
    columns: dict[str, Any] = {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}
    columns |= {name: [rows[name][origin] for origin in origins] for name in KEPT}
    columns |= {"label": [], "char_starts": [], "char_ends": []}
    for number, (origin, offsets) in enumerate(zip(origins, encoded["offset_mapping"], strict=True)):
        in_text = np.array([sequence == 1 for sequence in encoded.sequence_ids(number)])
        places = np.where(in_text[:, None], np.array(offsets), -1)
        columns["label"].append(_label(places, rows["starts"][origin], rows["answers"][origin]))
        columns["char_starts"].append(places[:, 0])
        columns["char_ends"].append(places[:, 1])
    return columns


def _kept(questions: list[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[str]:
    """Truncate questions to a number of tokens."""
    questions = [question.strip() for question in questions]
    offsets = tokenizer(questions, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [
        question[: tokens[max_length - 1][1]] if len(tokens) > max_length else question
        for question, tokens in zip(questions, offsets, strict=True)
    ]


def _label(places: np.ndarray, starts: list[int], answers: list[str]) -> list[int]:
    """Return the tokens that the first answer, if any, begins and ends in; places are (tokens, 2)."""
    if not answers:
        return [NO_ANSWER, NO_ANSWER]
    start, end = starts[0], starts[0] + len(answers[0])
    inside = np.flatnonzero(places[:, 0] >= 0)
    token_starts, token_ends = places[inside].T
    if token_starts[0] > start or token_ends[-1] < end:
        return [NO_ANSWER, NO_ANSWER]
    first = np.searchsorted(token_starts, start, side="right") - 1
    last = np.searchsorted(token_ends, end, side="left")
    return [int(inside[first]), int(inside[last])]
