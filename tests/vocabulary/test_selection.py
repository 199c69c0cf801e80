"""The choice of tokens by their counts."""

import pytest

from lit_prune.errors import UserError
from lit_prune.vocabulary.kinds import Bpe, WordLevel
from lit_prune.vocabulary.selection import select

WORDS = WordLevel({"unk_token": "?", "vocab": {token: number for number, token in enumerate("?abcdef")}})
TOKENS = ["x", "y", "z", "xy", "xyz", "zz"]
PAIRS = Bpe(
    {
        "unk_token": None,
        "byte_fallback": True,  # characters need not stay
        "vocab": {token: number for number, token in enumerate(TOKENS)},
        "merges": [["x", "y"], ["xy", "z"], ["z", "z"]],
    }
)


def test_without_a_size_what_the_texts_use_is_kept():
    assert select(WORDS, {"b"}, {"e": 1, "c": 5}, None) == {*"?bec"}


def test_a_size_keeps_the_most_frequent_then_the_first():
    counts = {"e": 1, "c": 5, "d": 2}
    assert select(WORDS, set(), counts, 3) == {*"?cd"}
    assert select(WORDS, set(), counts, 5) == {*"?cdea"}
    assert select(WORDS, set(), {}, 3) == {*"?ab"}
    assert select(WORDS, set(), counts, 5, num_beside=2) == {*"?cd"}


def test_tokens_are_kept_with_their_parts_if_these_fit():
    assert select(PAIRS, set(), {"xyz": 3}, None) == {"x", "y", "z", "xy", "xyz"}
    assert select(PAIRS, set(), {"xyz": 3, "zz": 2}, 2) == {"zz", "z"}
    assert select(PAIRS, {"zz"}, {"xyz": 3}, None) == {*TOKENS}


@pytest.mark.parametrize("size", [1, 8])
def test_a_size_that_does_not_fit_names_the_smallest_and_the_largest(size):
    with pytest.raises(UserError, match=f"--keep must be from 2 to 7 tokens, got {size}"):
        select(WORDS, {"b"}, {}, size)


def test_texts_without_tokens_are_an_error():
    with pytest.raises(UserError, match="--keep must be files whose texts have tokens, got none"):
        select(WORDS, {"b"}, {"b": 3}, None)
