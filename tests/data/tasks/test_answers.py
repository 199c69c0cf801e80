"""The answer in a text by the logits of its tokens, against a search through all spans."""

import itertools
import math
import re
from collections import Counter
from pathlib import Path

import pytest
import torch

from lit_prune.data.sources.squad import read_squad
from lit_prune.data.tasks.answers import answering, best_spans, find_answers

INFINITY = math.inf
REAL = Path(__file__).parents[4] / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real data are not in {REAL}")


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


def counted(text):
    """The words that count of an answer."""
    ascii_marks = {mark for mark in map(chr, range(33, 127)) if not mark.isalnum()}
    plain = "".join(letter for letter in text.lower() if letter not in ascii_marks)
    return [word for word in re.split(r"\s+", re.sub(r"\b(?:an?|the)\b", " ", plain)) if word]


def scored(answer, right):
    """Exact match and F1 of one answer, as 2 * shared / (all words of both)."""
    pairs = [(counted(answer), counted(each)) for each in right]
    shared = [2 * (Counter(a) & Counter(b)).total() / max(1, len(a) + len(b)) for a, b in pairs]
    return any(a == b for a, b in pairs), max(shared)


@pytest.mark.parametrize(
    ("answer", "right", "exact", "f1"),
    [
        ("The  Denver Broncos.", ["denver broncos"], 1, 1),
        ("Broncos", ["Denver Broncos"], 0, 2 / 3),
        ("a theme", ["theme"], 1, 1),
        ("atheme", ["theme"], 0, 0),
        ("to be or not to be", ["to be"], 0, 0.5),
        ("Rome", ["Paris", "Rome, Italy", "in Rome"], 0, 2 / 3),
        ("Rome", ["Paris", "rome!"], 1, 1),
        ("", ["Paris"], 0, 0),
        ("1,000", ["1000"], 1, 1),
    ],
)
def test_answers_by_hand(answer, right, exact, f1):
    assert answering([answer], [right]) == pytest.approx({"exact_match": exact, "f1": f1})


@needs_real_data
def test_answers_to_real_questions_against_a_second_computation():
    rows = list(read_squad(REAL / "SQuAD" / "dev-v1.1.json"))
    right = [row["answers"] for row in rows]
    answers = []
    for number, row in enumerate(rows):
        start = row["starts"][0]
        shifted = row["text_b"][max(0, start - number % 7) : start + len(row["answers"][0]) - number % 5]
        answers.append([row["answers"][-1], shifted, shifted.upper(), row["text_b"][:40]][number % 4])
    groups = [f"g{number % 3}" if number % 3 else "" for number in range(len(rows))]
    values = answering(answers, right, groups)
    expected = torch.tensor([scored(*each) for each in zip(answers, right, strict=True)], dtype=torch.float64)
    assert 0.2 < values["exact_match"] < values["f1"] < 0.9
    assert [values["exact_match"], values["f1"]] == pytest.approx(expected.mean(0).tolist(), abs=1e-5)
    for group in (1, 2):
        assert values[f"f1_g{group}"] == pytest.approx(expected[group::3, 1].mean().item(), abs=1e-5)
    assert answering([row["answers"][0] for row in rows], right) == {"exact_match": 1.0, "f1": 1.0}
