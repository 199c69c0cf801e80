"""What the generated corpora share."""

import random
from collections import Counter

import pytest

from lit_prune.data.generated.corpus import SPLITS, check_arguments, fill, overlap, read_templates, split_of, tokens
from lit_prune.data.generated.slots import Slots
from lit_prune.errors import UserError


def test_templates_are_read_from_a_table():
    table = {"one": "\n  A: x => y | z\n  B: u => v\n", "two": "A: p => q"}
    assert read_templates(table, {"A": "yes", "B": "no"}) == {
        "yes": {"one": [("x", "y"), ("x", "z")], "two": [("p", "q")]},
        "no": {"one": [("u", "v")]},
    }


def test_overlap_is_of_the_second_texts_words():
    assert tokens("The cat, it sat.") == ["the", "cat", "it", "sat"]
    assert overlap("The cat sat.", "the Cat") == 1
    assert overlap("The cat sat.", "The dog sat down.") == pytest.approx(1 / 2)


def test_a_sentence_begins_with_a_capital_and_ends_as_it_should():
    slots = Slots(random.Random(0))
    assert fill("why did {s} {do_v} {o}", slots, "?") == f"Why did {slots['s']} {slots['do_v']} {slots['o']}?"


def test_keys_are_spread_over_the_splits_alike_in_every_process():
    counts = Counter(split_of(str(number)) for number in range(8000))
    assert set(counts) == set(SPLITS)
    assert min(counts.values()) > 1800
    assert [split_of(word) for word in ("a", "b", "c", "d")] == ["ood", "ood_train", "ood_train", "ood"]


def test_arguments_are_checked():
    check_arguments("X", "train", 0.5)
    with pytest.raises(UserError, match=r"'dev' of the generated X corpus: choose from train, id, ood, ood_train"):
        check_arguments("X", "dev", 0.5)
    for bias_rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match=f"bias_rate must be from 0 to 1, got {bias_rate}"):
            check_arguments("X", "train", bias_rate)
