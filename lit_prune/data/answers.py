"""From logits of where an answer begins and ends to its text (Devlin et al. 2019, section 4.2)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

MAX_ANSWER_LENGTH = 30  # tokens, as in BERT's code for SQuAD


class Answer(NamedTuple):
    """An answer as it stands in the text, and the sum of the logits of its first and its last token."""

    text: str
    score: float


def best_spans(logits: Tensor, in_text: Tensor, max_length: int = MAX_ANSWER_LENGTH) -> tuple[Tensor, Tensor, Tensor]:
    """The best span of each window: the largest sum of the logits of its first and its last token.

    Of all spans, where BERT's code looks at pairs of the 20 best first and the 20 best last tokens. Of equal spans the
    one that begins first, and of these the shortest.

    Args:
        logits: That a token is the answer's first and that it is its last, (windows, length, 2).
        in_text: Whether an answer may begin and end there, (windows, length) bool.
        max_length: Tokens of an answer.

    Returns:
        The first and last token (windows,) int64, and their score (windows,) float32; -inf where no token is allowed.
    """
    allowed = logits.float().masked_fill(~in_text[..., None], -math.inf)
    first, last = allowed.unbind(-1)
    length = first.shape[1]
    scores, lengths = first + last, torch.zeros_like(first, dtype=torch.long)
    for further in range(1, min(max_length, length)):
        longer = first[:, : length - further] + last[:, further:]
        better = longer > scores[:, : length - further]
        scores[:, : length - further][better] = longer[better]
        lengths[:, : length - further][better] = further
    best, start = scores.max(1)[0], scores.argmax(1)  # argmax gives the first of equal ones, max need not
    return start, start + lengths.gather(1, start[:, None]).squeeze(1), best


def find_answers(
    logits: Tensor,
    char_starts: Tensor,
    char_ends: Tensor,
    ids: Sequence[str],
    texts: Sequence[str],
    max_length: int = MAX_ANSWER_LENGTH,
) -> dict[str, Answer]:
    """The answer to each question: its best span, over all its windows; of equal ones the first window's.

    Args:
        logits: That a token is the answer's first and that it is its last, (windows, length, 2).
        char_starts: Where each token begins in the text, in characters, (windows, length); -1 outside of it.
        char_ends: Where it ends.
        ids: The question of each window.
        texts: The text of each window's question.
        max_length: Tokens of an answer.

    Returns:
        Question -> answer, in the order of the questions' first windows.
    """
    first, last, scores = best_spans(logits, char_starts >= 0, max_length)
    starts = char_starts.gather(1, first[:, None]).squeeze(1).tolist()
    ends = char_ends.gather(1, last[:, None]).squeeze(1).tolist()
    best: dict[str, Answer] = {}
    for question, text, start, end, score in zip(ids, texts, starts, ends, scores.tolist(), strict=True):
        if question not in best or score > best[question].score:
            best[question] = Answer(text[start:end], score)
    return best
