"""Questions and their texts as token windows that overlap, labelled with the answer's place (Devlin et al. 2019)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from lit_prune.errors import UserError

PLACES = ("char_starts", "char_ends")
KEPT = ("id", "text_a", "text_b", "group", "answers")
NO_ANSWER = 0  # the first token, the label of a window without the answer


@dataclass(frozen=True)
class Windows:
    """How a question's text is laid out in windows; each begins with the question.

    Args:
        max_length: Tokens of a window, with the question and special tokens.
        stride: Tokens of the text that a window shares with the one before: the tokenizer's own `stride`. (BERT's first
            code calls so the step from one to the next; with texts of one window there is no difference.)
        max_question_length: Tokens kept of a question.
    """

    max_length: int = 384
    stride: int = 128
    max_question_length: int = 64

    def check(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Refuse, with a UserError, windows that would not get through a text, or not into the encoder."""
        if self.max_length > tokenizer.model_max_length:
            raise UserError(
                f"windows of max_length={self.max_length} tokens are longer than the encoder's "
                f"{tokenizer.model_max_length}"
            )
        room = self.max_length - self.max_question_length - tokenizer.num_special_tokens_to_add(pair=True)
        if self.max_question_length < 1 or not 0 <= self.stride < room:
            raise UserError(
                f"windows of max_length={self.max_length} tokens leave {room} for the text beside a question of "
                f"max_question_length={self.max_question_length}, and stride={self.stride} of these are to be shared: "
                "needed are a question of 1 or more and 0 <= stride < the tokens left"
            )


def tokenise_windows(rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, how: Windows) -> dict[str, Any]:
    """The windows of questions, one question's after another's, each from the text's start to its end.

    Args:
        rows: Columns of `SpanRow`.
        tokenizer: The encoder's, a fast one.
        how: The windows' lengths; checked.

    Returns:
        A value per window: what the tokenizer returns; `label`, the tokens [first, last] of the first answer, or
        `NO_ANSWER` twice where there is none or it is not wholly in the window; `char_starts` and `char_ends`, where
        each token begins and ends in the text, in characters, and -1 for tokens outside of it; and what is known of its
        question, `KEPT`.
    """
    encoded = tokenizer(
        _kept(rows["text_a"], tokenizer, how.max_question_length),
        rows["text_b"],
        truncation="only_second",
        max_length=how.max_length,
        stride=how.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    origins = encoded["overflow_to_sample_mapping"]
    windows: dict[str, Any] = {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}
    windows |= {name: [rows[name][origin] for origin in origins] for name in KEPT}
    windows |= {"label": [], "char_starts": [], "char_ends": []}
    for number, (origin, offsets) in enumerate(zip(origins, encoded["offset_mapping"], strict=True)):
        in_text = np.array([sequence == 1 for sequence in encoded.sequence_ids(number)])
        places = np.where(in_text[:, None], np.array(offsets), -1)
        windows["label"].append(_label(places, rows["starts"][origin], rows["answers"][origin]))
        windows["char_starts"].append(places[:, 0])
        windows["char_ends"].append(places[:, 1])
    return windows


def _kept(questions: list[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[str]:
    """The questions, each up to its last token kept."""
    questions = [question.strip() for question in questions]
    offsets = tokenizer(questions, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [
        question[: tokens[max_length - 1][1]] if len(tokens) > max_length else question
        for question, tokens in zip(questions, offsets, strict=True)
    ]


def _label(places: np.ndarray, starts: list[int], answers: list[str]) -> list[int]:
    """The tokens that the first answer, if any, begins and ends in; places are (tokens, 2)."""
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
