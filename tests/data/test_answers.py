"""The answer in a text by the logits of its tokens, against a search through all spans."""

import itertools
import math

import pytest
import torch

from lit_prune.data.answers import best_spans, find_answers

INFINITY = math.inf


def searched(logits, in_text, max_length):
    """The best span of one window, by looking at each; the earliest and then the shortest of equal ones."""
    allowed = [token for token, inside in enumerate(in_text.tolist()) if inside]
    spans = [
        (-(float(logits[first, 0]) + float(logits[last, 1])), first, last)
        for first, last in itertools.product(allowed, allowed)
        if first <= last < first + max_length
    ]
    score, first, last = min(spans)
    return first, last, -score


@pytest.mark.parametrize("max_length", [1, 3, 30])
@pytest.mark.parametrize("levels", [3, 1000])
def test_the_best_of_all_spans_is_found_and_of_equal_ones_the_first_and_shortest(max_length, levels):
    generator = torch.Generator().manual_seed(levels + max_length)
    logits = torch.randint(levels, (40, 17, 2), generator=generator).float()
    in_text = torch.rand(40, 17, generator=generator) < 0.7
    in_text[:, 8] = True
    found = zip(*(each.tolist() for each in best_spans(logits, in_text, max_length)), strict=True)
    assert list(found) == [searched(*window, max_length) for window in zip(logits, in_text, strict=True)]


def test_a_span_is_never_longer_than_allowed_nor_than_the_window():
    logits = torch.full((1, 40, 2), -1.0)
    logits[0, 3, 0] = logits[0, 33, 1] = 5.0
    in_text = torch.ones(1, 40, dtype=torch.bool)
    first, last, _ = best_spans(logits, in_text, 31)
    assert (first.item(), last.item()) == (3, 33)
    first, last, _ = best_spans(logits, in_text)  # 30
    assert last - first < 30
    assert best_spans(logits[:, :5], in_text[:, :5])[0].item() == 3


def test_logits_in_half_precision_are_added_in_single():
    logits = torch.tensor([[[256.0, 0.0], [256.0, 1.0], [0.0, 1.5]]], dtype=torch.bfloat16)
    first, last, score = best_spans(logits, torch.ones(1, 3, dtype=torch.bool))
    assert (first.item(), last.item(), score.item()) == (0, 2, 257.5)


TEXT = "Rain fell. Snow came."
STARTS = torch.tensor([[-1, -1, 0, 5, 9, -1], [-1, -1, 9, 11, 16, -1]])
ENDS = torch.tensor([[-1, -1, 4, 9, 10, -1], [-1, -1, 10, 15, 20, -1]])


def answered(*peaks, ids=("q", "q")):
    """The answers where each window has one peak (first token, last token, logit)."""
    logits = torch.zeros(2, 6, 2)
    for window, (first, last, logit) in enumerate(peaks):
        logits[window, first, 0] = logits[window, last, 1] = logit
    found = find_answers(logits, STARTS, ENDS, ids, [TEXT, TEXT])
    return {question: answer.text for question, answer in found.items()}


def test_the_best_window_answers_with_the_text_as_it_stands():
    assert answered((2, 3, 1.0), (3, 4, 2.0)) == {"q": "Snow came"}
    assert answered((2, 3, 2.0), (3, 4, 1.0)) == {"q": "Rain fell"}


def test_of_equal_windows_the_first_answers():
    assert answered((2, 2, 2.0), (3, 3, 2.0)) == {"q": "Rain"}


def test_every_question_is_answered_in_the_order_of_the_windows():
    assert list(answered((2, 2, 1.0), (3, 3, 2.0), ids=("z", "a")).items()) == [("z", "Rain"), ("a", "Snow")]


def test_what_is_no_part_of_the_text_is_no_answer():
    logits = torch.zeros(2, 6, 2)
    logits[:, :2] = 9
    logits[1, 3] = 1
    assert find_answers(logits, STARTS, ENDS, ("q", "q"), [TEXT, TEXT]) == {"q": ("Snow", 2.0)}
