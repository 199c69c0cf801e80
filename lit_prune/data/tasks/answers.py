"""Answers from logits of their first and last tokens (Devlin et al. 2019, section 4.2), and SQuAD's metrics."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

MAX_ANSWER_LENGTH = 30  # tokens, as in BERT's code for SQuAD


class Answer(NamedTuple):
    """An answer as it stands in the text, and its score: the sum of the logits of its first and its last token."""

    text: str
    score: float


def best_spans(logits: Tensor, in_text: Tensor, max_length: int = MAX_ANSWER_LENGTH) -> tuple[Tensor, Tensor, Tensor]:
    """Find the best span of each window: the largest sum of the logits of its first and its last token.

    All spans are compared, where BERT's code looks at pairs of the 20 best first and the 20 best last tokens. Among
    equal spans the one that begins first wins, then the shortest.

    Args:
        logits: Logits of a token being the answer's first and its last, (windows, length, 2).
        in_text: Whether an answer may begin and end there, (windows, length) bool.
        max_length: Maximum number of tokens of an answer.

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
    """Find the answer to each question: its best span over all its windows; of equal ones the first window's.

    Args:
        logits: Logits of a token being the answer's first and its last, (windows, length, 2).
        char_starts: The character of the text that each token begins at, (windows, length); -1 outside of the text.
        char_ends: The character that it ends before.
        ids: The question of each window.
        texts: The text of each window's question.
        max_length: Maximum number of tokens of an answer.

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


def answering(
    answers: Sequence[str], right: Sequence[Sequence[str]], groups: Sequence[str] | None = None
) -> dict[str, float]:
    """Compute SQuAD's metrics (Rajpurkar et al. 2016), which ignore case, punctuation, articles and white space.

    Args:
        answers: The answer found to each question.
        right: The right answers to each question; the one nearest to the answer counts.
        groups: Each question's group ("" is none).

    Returns:
        `exact_match` and `f1` (of the words that an answer shares with a right one), means over questions from 0 to 1,
        and `f1_<group>`.
    """
    result = _squad(list(zip(answers, right, strict=True)))
    for group in sorted(set(groups or ()) - {""}):
        rows = [row for row, each in zip(zip(answers, right, strict=True), groups or (), strict=True) if each == group]
        result[f"f1_{group}"] = _squad(rows)["f1"]
    return result


def _squad(rows: Sequence[tuple[str, Sequence[str]]]) -> dict[str, float]:
    from torchmetrics.functional.text import squad  # not above: a served model has no metrics

    found = [{"id": str(number), "prediction_text": answer} for number, (answer, _) in enumerate(rows)]
    known = [{"id": str(number), "answers": {"text": [*right]}} for number, (_, right) in enumerate(rows)]
    return {name: float(value) / 100 for name, value in squad(found, known).items()}
